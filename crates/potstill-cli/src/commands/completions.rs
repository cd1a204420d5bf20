//! `potstill completions`, and the hidden `potstill complete` that its scripts call.

use super::common::Command;
use crate::{complete, output};
use clap::{Args, ValueEnum};
use potstill::Error;
use potstill::run::Observer;

/// Print the script that completes command lines in a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  source <(potstill completions bash)               in ~/.bashrc
  source <(potstill completions zsh)                in ~/.zshrc
  potstill completions fish > ~/.config/fish/completions/potstill.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

/// Files are what the shells complete where nothing is offered. In bash the words have been split at `=` and `:`.
const BASH: &str = r#"_potstill() {
    local IFS=$'\n'
    local line="${COMP_LINE:0:COMP_POINT}" words
    IFS=$' \t\n' read -r -a words <<< "$line"
    [[ "$line" == *' ' ]] && words+=('')
    local last="${words[-1]}"
    COMPREPLY=($("${words[0]}" complete -- "${words[@]:1}" 2>/dev/null))
    local word="${COMP_WORDS[COMP_CWORD]}"
    [[ "$word" == '=' || "$word" == ':' ]] && word=''
    local split="${last%"$word"}"
    COMPREPLY=("${COMPREPLY[@]#"$split"}")
    [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == *= ]] && compopt -o nospace
}
complete -o default -F _potstill potstill
"#;

const ZSH: &str = r#"#compdef potstill
_potstill() {
    local -a found
    found=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
    if [[ -n "${found[1]}" ]]; then
        compadd -- "${found[@]}"
    else
        _files
    fi
}
compdef _potstill potstill
"#;

const FISH: &str = r#"function __potstill_complete
    set -l words (commandline -opc) (commandline -ct)
    $words[1] complete -- $words[2..-1] 2>/dev/null
end
complete -c potstill -a '(__potstill_complete)'
"#;

impl Command for Completions {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        let script = match self.shell {
            Shell::Bash => BASH,
            Shell::Zsh => ZSH,
            Shell::Fish => FISH,
        };
        output::print_raw(script.trim_end());
        Ok(true)
    }
}

/// Print the words that may stand at the end of a command line, for the scripts of `completions`
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct Complete {
    /// The words after the program's name, the last one unfinished
    #[arg(value_name = "WORD", trailing_var_arg = true, allow_hyphen_values = true)]
    words: Vec<String>,
}

impl Command for Complete {
    fn run(self, _: &dyn Observer) -> Result<bool, Error> {
        for word in complete::candidates(&self.words) {
            output::print(&word);
        }
        Ok(true)
    }
}
