//! `generate`: manual pages and shell completions, from the definitions that the program itself reads.

mod configuration;
mod decisions;
mod manual;
mod page;
mod words;

use super::exit::ExitStatus;
use super::guide;
use super::{output, why};
use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand, ValueEnum};
use clap_complete::aot;
use page::Markup;

/// What is to be written.
#[derive(Args, Debug)]
pub struct GenerateArguments {
    /// What is to be written.
    #[command(subcommand)]
    pub what: What,
}

/// What can be written, all of it to standard output.
#[derive(Debug, Subcommand)]
pub enum What {
    /// The manual page smtp-sts-verify(1), or that of the configuration
    Man {
        /// Writes smtp-sts-verify.toml(5) instead
        #[arg(long)]
        config: bool,
        /// Writes Markdown, for reading it where the source is
        #[arg(long)]
        markdown: bool,
    },
    /// Completions for a shell
    Completions {
        /// Which shell
        shell: Shell,
    },
}

/// A shell that completions can be written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// To be sourced, or put into /usr/share/bash-completion/completions
    Bash,
    /// To be put into ~/.config/fish/completions or /usr/share/fish/vendor_completions.d
    Fish,
    /// To be put into a directory of $fpath, as _smtp-sts-verify
    Zsh,
}

/// Runs the command.
pub(super) fn run(arguments: &GenerateArguments) -> ExitStatus {
    let written = match arguments.what {
        What::Man { config, markdown } => {
            let markup = if markdown { Markup::Markdown } else { Markup::Man };
            if config {
                Ok(configuration::page().finish(markup))
            } else {
                manual::page().map(|page| page.finish(markup))
            }
        }
        What::Completions { shell } => completions(shell),
    };
    match written {
        Ok(text) => output::write(&text, ExitStatus::Deliver),
        Err(why) => output::complain("generate", &why, ExitStatus::Internal),
    }
}

fn completions(shell: Shell) -> Result<String, String> {
    let shell = match shell {
        Shell::Bash => aot::Shell::Bash,
        Shell::Fish => aot::Shell::Fish,
        Shell::Zsh => aot::Shell::Zsh,
    };
    let mut octets = Vec::new();
    // `why` takes any word and suggests another one; a shell completes those that there are.
    let words = PossibleValuesParser::new(why::words());
    let mut command =
        guide::command().mut_subcommand("why", |why| why.mut_arg("word", |word| word.value_parser(words)));
    aot::generate(shell, &mut command, "smtp-sts-verify", &mut octets);
    let text = String::from_utf8(octets).map_err(|error| format!("the completions are no text: {error}"))?;
    // clap_complete 4.6 takes the hyphens of the program's name for those between commands, in one half of what it writes for
    // bash: no command below would be completed.
    Ok(text.replace("smtp__subcmd__sts__subcmd__verify", "smtp__sts__verify"))
}
