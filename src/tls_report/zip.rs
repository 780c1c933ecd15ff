//! The files of a zip. Pure.

use super::Unreadable;
use super::inflate::inflate;
use crate::limits::MAX_ZIP_FILES;
use rawzip::{CompressionMethod, ZipArchive};

/// What a zip begins with.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";

/// Every file, `most` octets in all.
///
/// # Errors
/// [`Unreadable`]: there are more octets or files than that, it is damaged, or packed in a way that is not read.
pub(super) fn unpack(input: &[u8], most: usize) -> Result<Vec<Vec<u8>>, Unreadable> {
    let archive = ZipArchive::from_slice(input).map_err(|_| Unreadable::Zip)?;
    let mut directory = archive.entries();
    let (mut files, mut left) = (Vec::new(), most);
    while let Some(entry) = directory.next_entry().map_err(|_| Unreadable::Zip)? {
        if entry.is_dir() {
            continue;
        }
        if files.len() == MAX_ZIP_FILES {
            return Err(Unreadable::TooManyFiles);
        }
        if entry.flags().is_encrypted() {
            return Err(Unreadable::ZipMethod);
        }
        let packed = archive.get_entry(entry.wayfinder()).map_err(|_| Unreadable::Zip)?.data();
        let mut octets = Vec::new();
        if entry.compression_method() == CompressionMethod::DEFLATE {
            if !inflate(packed, &mut octets, left)?.is_whole {
                return Err(Unreadable::Zip);
            }
        } else if entry.compression_method() == CompressionMethod::STORE {
            if packed.len() > left {
                return Err(Unreadable::TooManyOctets);
            }
            octets.extend_from_slice(packed);
        } else {
            return Err(Unreadable::ZipMethod);
        }
        left = left.saturating_sub(octets.len());
        files.push(octets);
    }
    Ok(files)
}
