//! Provisional: only `lookup`, until the command line stands in `cli/args.rs`.

use clap::Parser;
use smtp_sts_verify::cli::lookup::{self, Format, Options};
use smtp_sts_verify::dns::anchor::TrustAnchors;
use smtp_sts_verify::dns::resolv_conf::{self, DNS_PORT, RESOLV_CONF};
use smtp_sts_verify::time::SystemClock;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

#[derive(Parser)]
struct Arguments {
    /// The command: lookup.
    command: String,
    name: Option<String>,
    rtype: Option<String>,
    #[arg(long)]
    batch: bool,
    #[arg(long)]
    dns: Vec<String>,
    #[arg(long)]
    trust_anchor: Option<std::path::PathBuf>,
    #[arg(long, default_value_t = 10)]
    deadline: u64,
    #[arg(long, default_value = "human")]
    format: String,
}

fn server(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| Some(SocketAddr::new(text.parse::<IpAddr>().ok()?, DNS_PORT)))
}

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let arguments = Arguments::parse();
    let anchors = match &arguments.trust_anchor {
        Some(path) => TrustAnchors::parse(&std::fs::read_to_string(path)?)?,
        None => TrustAnchors::iana()?,
    };
    let upstreams = match arguments.dns.as_slice() {
        [] => resolv_conf::read(Path::new(RESOLV_CONF))?,
        given => {
            given.iter().map(|text| server(text).ok_or("--dns ADDR[:PORT]")).collect::<Result<_, _>>()?
        }
    };
    let options =
        Options { upstreams, anchors: Arc::new(anchors), deadline: Duration::from_secs(arguments.deadline) };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut output = std::io::stdout().lock();
    let code = runtime.block_on(async {
        if arguments.batch {
            let input = std::io::BufReader::new(std::io::stdin());
            return lookup::batch(&options, &SystemClock, input, &mut output).await.map_err(Into::into);
        }
        let (Some(name), Some(rtype)) = (&arguments.name, &arguments.rtype) else {
            return Err("NAME TYPE".into());
        };
        let question = lookup::question(name, rtype)?;
        let format = if arguments.format == "json" { Format::Json } else { Format::Human };
        let code = lookup::single(&options, &SystemClock, &question, format, &mut output).await?;
        Ok::<u8, Box<dyn std::error::Error>>(code)
    })?;
    Ok(ExitCode::from(code))
}
