//! What PostgreSQL's types are to us.

use crate::store;
use tokio_postgres::types::{Kind, Type};

/// A type of PostgreSQL, as far as it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Boolean,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    Text,
    Bytes,
    Uuid,
    Timestamp,
    TimestampTz,
    Json,
    Jsonb,
    /// Read and written as text.
    Other,
}

impl Scalar {
    pub(super) fn of(of: &Type) -> Scalar {
        match *of {
            Type::BOOL => Scalar::Boolean,
            Type::INT2 => Scalar::Int2,
            Type::INT4 => Scalar::Int4,
            Type::INT8 => Scalar::Int8,
            Type::FLOAT4 => Scalar::Float4,
            Type::FLOAT8 => Scalar::Float8,
            Type::NUMERIC => Scalar::Numeric,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME => Scalar::Text,
            Type::BYTEA => Scalar::Bytes,
            Type::UUID => Scalar::Uuid,
            Type::TIMESTAMP => Scalar::Timestamp,
            Type::TIMESTAMPTZ => Scalar::TimestampTz,
            Type::JSON => Scalar::Json,
            Type::JSONB => Scalar::Jsonb,
            _ => Scalar::Other,
        }
    }

    /// The same for what may be a list, and whether it is one.
    pub(super) fn or_list_of(of: &Type) -> (Scalar, bool) {
        match of.kind() {
            Kind::Array(element) => (Scalar::of(element), true),
            _ => (Scalar::of(of), false),
        }
    }

    pub(super) fn told(self) -> store::Kind {
        match self {
            Scalar::Boolean => store::Kind::Boolean,
            Scalar::Int2 | Scalar::Int4 | Scalar::Int8 => store::Kind::Integer,
            Scalar::Float4 | Scalar::Float8 => store::Kind::Number,
            Scalar::Bytes => store::Kind::Binary,
            Scalar::Json | Scalar::Jsonb => store::Kind::Json,
            _ => store::Kind::Text,
        }
    }

    pub(super) fn is_json(self) -> bool {
        matches!(self, Scalar::Json | Scalar::Jsonb)
    }

    /// Whether the database makes text of it.
    pub(super) fn is_read_as_text(self) -> bool {
        matches!(self, Scalar::Numeric | Scalar::Other)
    }

    /// The smallest and the largest, of whole numbers.
    pub(super) fn range(self) -> Option<(i64, i64)> {
        match self {
            Scalar::Int2 => Some((i16::MIN.into(), i16::MAX.into())),
            Scalar::Int4 => Some((i32::MIN.into(), i32::MAX.into())),
            Scalar::Int8 => Some((i64::MIN, i64::MAX)),
            _ => None,
        }
    }
}
