//! `config show`: every value that is in force, in the file's own words.

use super::InForceArguments;
use crate::cli::failure::Failure;
use crate::cli::lookup::Format;
use crate::config::{Origin, Setting, Written};
use crate::text::Printable;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The column in which origins stand, where there is room.
const ORIGIN_AT: usize = 56;

/// The list, in the shape that is wanted.
pub(super) fn text(arguments: &InForceArguments) -> Result<String, Failure> {
    let file = Written::read(&arguments.config)?;
    let settings = arguments.given().settings(&file);
    Ok(match arguments.format {
        Format::Human => page(&arguments.config.display().to_string(), file.is_there, &settings),
        Format::Json => {
            let path = file.is_there.then(|| arguments.config.display().to_string());
            let settings: Vec<Value> = settings.iter().map(object).collect();
            format!("{}\n", json!({ "file": path, "settings": settings }))
        }
    })
}

/// For people: lines that could stand in the file, each with where it comes from behind it; what nobody chose is a comment.
fn page(path: &str, is_there: bool, settings: &[Setting]) -> String {
    let mut text = if is_there { format!("# {path}\n") } else { format!("# {path} is not there\n") };
    let mut section = "";
    for setting in settings {
        if setting.section != section {
            section = &setting.section;
            // Writing into a String does not fail.
            let _ = write!(text, "\n[{section}]\n");
        }
        let value = match &setting.value {
            Value::Null => format!("#{} = ({})", setting.key, setting.instead),
            // A moment stands without quotation marks.
            Value::String(moment) if setting.key == "until" => format!("until = {moment}"),
            value => format!("{} = {value}", setting.key),
        };
        let _ = writeln!(text, "{value:<ORIGIN_AT$} # {}", origin(setting.origin));
    }
    text.lines().map(|line| format!("{}\n", Printable(line))).collect()
}

fn origin(origin: Origin) -> String {
    match origin {
        Origin::Default => "default".to_owned(),
        Origin::File { line } => format!("file, line {line}"),
        Origin::Flag => "flag".to_owned(),
    }
}

/// One value: `section` (empty: above all of them), `key`, `value` (null: nobody chose), `instead` (what holds then, in words, or
/// null), `origin` (`default`, `file`, `flag`), `line` (or null).
fn object(setting: &Setting) -> Value {
    let (origin, line) = match setting.origin {
        Origin::Default => ("default", None),
        Origin::File { line } => ("file", Some(line)),
        Origin::Flag => ("flag", None),
    };
    let instead = setting.value.is_null().then_some(setting.instead);
    json!({
        "section": setting.section, "key": setting.key, "value": setting.value, "instead": instead, "origin": origin, "line": line,
    })
}
