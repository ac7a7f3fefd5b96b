//! Hooks that leave a trace in `params.trace` of `hooked.find`, and in the result once there is one (in JavaScript
//! both are the same list).

use serde_json::{Value, json};
use wingbeat::hooks::{Around, Hook};
use wingbeat::hooks::{sync, with};
use wingbeat::prelude::*;

/// A before, after or error hook that leaves its label.
pub(crate) fn hook(label: &'static str) -> impl Hook {
    sync(move |context| mark(context, label.to_owned()))
}

/// An around hook that leaves `label>` and `<label`.
pub(crate) fn around(label: &'static str) -> impl Around {
    with(label, async |label: &'static str, context: &mut Context, next: Next<'_>| {
        mark(context, format!("{label}>"))?;
        next.run(context).await?;
        mark(context, format!("<{label}"))
    })
}

fn mark(context: &mut Context, label: String) -> Result<()> {
    if context.path() != "hooked" || context.method() != &Find {
        return Ok(());
    }
    let mut trace = context.params.get("trace").unwrap_or_else(|| json!([]));
    if let Some(labels) = trace.as_array_mut() {
        labels.push(label.into());
    }
    if let Some(Value::Object(result)) = context.result.as_mut().map(Payload::value_mut).transpose()? {
        result.insert("trace".into(), trace.clone());
    }
    context.params.set("trace", trace);
    Ok(())
}
