//! The compiler that compiles this, for tests that compile more with what is built already.

use proc_macro::TokenStream;
use std::env;

/// The options that say where libraries are, and for which system to compile; the value follows them.
const KEPT: [&str; 4] = ["-L", "--extern", "--sysroot", "--target"];

/// The command by which rustc compiles what calls this, as far as it says with which libraries: a `&[&str]`.
///
/// Only cargo knows which of several builds of a library belong together, and it tells nobody but rustc. Whoever asks it
/// again has to name the same packages and features, or waits minutes for a build of others.
#[proc_macro]
pub fn rustc(_: TokenStream) -> TokenStream {
    let compiler = env::current_exe().unwrap_or_else(|_| "rustc".into());
    let mut command = vec![compiler.to_string_lossy().into_owned()];
    let mut arguments = env::args();
    while let Some(argument) = arguments.next() {
        if KEPT.contains(&&*argument) {
            command.push(argument);
            command.extend(arguments.next());
        } else if argument.starts_with("--edition=") {
            command.push(argument);
        }
    }
    // A list of literals, as `Debug` writes them.
    format!("&{command:?}").parse().unwrap_or_default()
}
