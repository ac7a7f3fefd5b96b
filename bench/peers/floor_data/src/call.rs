//! What is asked: packets, read into what the statements need. What is unknown or of another type is refused.

use serde::Deserialize;
use serde_json::value::RawValue;

pub enum Call {
    Get(i64),
    Find(Find),
    Create(NewMessage),
    Patch(i64, Change),
    Login(Login),
    FindNotes(FindNotes),
    CreateNote(NewNote),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Find {
    #[serde(rename = "roomId")]
    pub room: i64,
    pub text: Option<Above>,
    #[serde(rename = "$limit", default = "ten")]
    pub limit: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Above {
    #[serde(rename = "$gt")]
    pub bound: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewMessage {
    #[serde(rename = "roomId")]
    pub room: i64,
    #[serde(rename = "userId")]
    pub user: i64,
    pub text: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    pub text: String,
}

#[derive(Deserialize)]
pub struct Login {
    #[serde(rename = "accessToken")]
    pub token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindNotes {
    #[serde(rename = "roomId")]
    pub room: i64,
    #[serde(rename = "$sort")]
    pub sort: ById,
    #[serde(rename = "$limit", default = "ten")]
    pub limit: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ById {
    pub id: i64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewNote {
    #[serde(rename = "roomId")]
    pub room: i64,
    pub text: String,
}

fn ten() -> i64 {
    10
}

const MAX_LIMIT: i64 = 50;

type Why = Box<dyn std::error::Error + Send + Sync>;

impl Call {
    /// Reads `["get","messages",17,{}]`.
    pub fn read(arguments: &[u8]) -> Result<Call, Why> {
        let (method, service, id, body) = positions(arguments)?;
        Ok(match (method, service) {
            ("get", "messages") => Call::Get(serde_json::from_str(id.get())?),
            ("find", "messages") => {
                let find: Find = serde_json::from_str(body.get())?;
                Call::Find(Find { limit: find.limit.clamp(0, MAX_LIMIT), ..find })
            }
            ("create", "messages") => Call::Create(serde_json::from_str(body.get())?),
            ("patch", "messages") => Call::Patch(serde_json::from_str(id.get())?, serde_json::from_str(body.get())?),
            ("create", "authentication") => Call::Login(serde_json::from_str(body.get())?),
            ("find", "notes") => {
                let find: FindNotes = serde_json::from_str(body.get())?;
                if find.sort.id != -1 {
                    return Err("notes are sorted by id, the newest first".into());
                }
                Call::FindNotes(FindNotes { limit: find.limit.clamp(0, MAX_LIMIT), ..find })
            }
            ("create", "notes") => {
                let note: NewNote = serde_json::from_str(body.get())?;
                if note.room < 0 || note.text.is_empty() || note.text.chars().count() > 2000 {
                    return Err("validation failed".into());
                }
                Call::CreateNote(note)
            }
            _ => return Err(format!("no {method} of {service}").into()),
        })
    }
}

/// Method, service, id and body of a call; where there is only one of the latter two it stands for both.
fn positions(arguments: &[u8]) -> Result<(&str, &str, &RawValue, &RawValue), Why> {
    if arguments.starts_with(b"[\"find\"") {
        let (method, service, query): (&str, &str, &RawValue) = serde_json::from_slice(arguments)?;
        return Ok((method, service, query, query));
    }
    if arguments.starts_with(b"[\"patch\"") {
        let (method, service, id, data, _query): (&str, &str, &RawValue, &RawValue, &RawValue) =
            serde_json::from_slice(arguments)?;
        return Ok((method, service, id, data));
    }
    let (method, service, first, _query): (&str, &str, &RawValue, &RawValue) = serde_json::from_slice(arguments)?;
    Ok((method, service, first, first))
}
