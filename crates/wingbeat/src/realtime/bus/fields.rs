//! The fields that messages between nodes are made of: a tag, a length, and that many bytes.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::fmt;
use wingbeat_core::RawJson;

/// Fields from here on may be passed over.
const OPTIONAL: u8 = 128;

/// Bytes that are no message, or one that this release does not understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotUnderstood(pub(super) &'static str);

impl NotUnderstood {
    pub(in super::super) const CUT_OFF: NotUnderstood = NotUnderstood("it is cut off");
}

impl fmt::Display for NotUnderstood {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The tags of fields; those of one message are all different, but for attachments.
pub(super) mod tag {
    pub(in super::super) const PATH: u8 = 1;
    pub(in super::super) const NAME: u8 = 2;
    pub(in super::super) const DATA: u8 = 3;
    pub(in super::super) const ATTACHMENT: u8 = 4;
    pub(in super::super) const SELECTORS: u8 = 5;
    pub(in super::super) const PUBLISHERS: u8 = 6;
    pub(in super::super) const SEVERAL: u8 = 7;
    pub(in super::super) const NUMBER: u8 = 8;
    pub(in super::super) const WITHIN: u8 = 9;
    pub(in super::super) const SELECTORS_ATTACHMENT: u8 = 10;
}

pub(super) struct Writer(pub(super) BytesMut);

impl Writer {
    pub(super) fn field(&mut self, tag: u8, bytes: &[u8]) {
        self.0.put_u8(tag);
        // More than 4 GiB are in no event: what clients and stores may send is bounded far below.
        self.0.put_u32(bytes.len() as u32);
        self.0.put_slice(bytes);
    }

    pub(super) fn number(&mut self, tag: u8, number: u64) {
        self.field(tag, &number.to_be_bytes());
    }

    pub(super) fn json(&mut self, data: &RawJson, text: u8, attachment: u8) {
        self.field(text, data.as_bytes());
        data.attachments().iter().for_each(|bytes| self.field(attachment, bytes));
    }
}

#[derive(Default)]
pub(super) struct Json {
    pub(super) text: Option<Bytes>,
    attachments: Vec<Bytes>,
}

#[derive(Default)]
pub(super) struct Fields {
    pub(super) path: Option<Bytes>,
    pub(super) name: Option<Bytes>,
    pub(super) data: Json,
    pub(super) selectors: Json,
    pub(super) publishers: bool,
    pub(super) several: Option<u64>,
    pub(super) number: Option<u64>,
    pub(super) within: Option<u64>,
}

impl Fields {
    pub(super) fn read(mut bytes: Bytes) -> Result<Fields, NotUnderstood> {
        let mut fields = Fields::default();
        while !bytes.is_empty() {
            if bytes.len() < 5 {
                return Err(NotUnderstood::CUT_OFF);
            }
            let (tag, len) = (bytes.get_u8(), bytes.get_u32() as usize);
            if bytes.len() < len {
                return Err(NotUnderstood::CUT_OFF);
            }
            let value = bytes.split_to(len);
            match tag {
                tag::PATH => fields.path = Some(value),
                tag::NAME => fields.name = Some(value),
                tag::DATA => fields.data.text = Some(value),
                tag::ATTACHMENT => fields.data.attachments.push(value),
                tag::SELECTORS => fields.selectors.text = Some(value),
                tag::SELECTORS_ATTACHMENT => fields.selectors.attachments.push(value),
                tag::PUBLISHERS => fields.publishers = true,
                tag::SEVERAL => fields.several = Some(number(&value)?),
                tag::NUMBER => fields.number = Some(number(&value)?),
                tag::WITHIN => fields.within = Some(number(&value)?),
                OPTIONAL.. => {}
                _ => return Err(NotUnderstood("it has a field that this release does not know")),
            }
        }
        Ok(fields)
    }
}

impl Json {
    /// What was written. It is looked through before it becomes a part of packets.
    pub(super) fn read(&self) -> Result<RawJson, NotUnderstood> {
        let text = self.text.clone().ok_or(NotUnderstood("a field is missing"))?;
        let json = RawJson::parse(text).map_err(|_| NotUnderstood("its data are invalid JSON"))?;
        Ok(RawJson::with_attachments(json.bytes(), &self.attachments))
    }
}

fn number(bytes: &Bytes) -> Result<u64, NotUnderstood> {
    bytes[..].try_into().map(u64::from_be_bytes).map_err(|_| NotUnderstood("a number in it is invalid"))
}

pub(super) fn text(bytes: &Option<Bytes>) -> Result<Box<str>, NotUnderstood> {
    let bytes = bytes.as_ref().ok_or(NotUnderstood("a field is missing"))?;
    str::from_utf8(bytes).map(Box::from).map_err(|_| NotUnderstood("a name in it is invalid UTF-8"))
}

pub(super) fn needed<T>(field: Option<T>) -> Result<T, NotUnderstood> {
    field.ok_or(NotUnderstood("a field is missing"))
}
