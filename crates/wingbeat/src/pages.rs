//! The documentation: every block of Rust in these files compiles, and runs unless it says otherwise.
//!
//! They lie outside of the package, so nothing but the documentation tests reads them. A test holds this list against
//! the folder.

/// One struct a file, whose documentation is the file.
macro_rules! pages {
    ($($name:ident $file:literal,)*) => {
        $(
            #[doc = include_str!(concat!("../../../", $file))]
            struct $name;
        )*
    };
}

pages! {
    Readme "README.md",
    Start "docs/guide/start.md",
    Services "docs/guide/services.md",
    Hooks "docs/guide/hooks.md",
    Channels "docs/guide/channels.md",
    Events "docs/guide/events.md",
    Errors "docs/guide/errors.md",
    Validation "docs/guide/validation.md",
    Queries "docs/guide/queries.md",
    Rest "docs/guide/rest.md",
    Uploads "docs/guide/uploads.md",
    Testing "docs/guide/testing.md",
    Clients "docs/guide/clients.md",
    Recovery "docs/guide/recovery.md",
    Nodes "docs/guide/nodes.md",
    Deployment "docs/guide/deployment.md",
    Authentication "docs/authentication.md",
    ComingFromFeathers "docs/coming-from-feathers.md",
}
