//! What MariaDB's types are to us.

use crate::store;

/// A type of MariaDB, as far as it makes a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scalar {
    Boolean,
    /// Whole numbers, the smallest and the largest.
    Integer(i64, u64),
    Float,
    Double,
    Decimal(Grid),
    Text(Texts),
    Bytes,
    Uuid,
    Inet4,
    Inet6,
    /// `datetime` and `timestamp`.
    Moment,
    Date,
    Time,
    Json,
}

/// The digits of a `decimal`: before the point, and behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Grid {
    pub(super) whole: usize,
    pub(super) scale: usize,
}

/// How it is said that a text is exactly another one, and not only the same by its collation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Texts {
    /// The collation says so.
    Exact,
    /// By its bytes, which are UTF-8.
    Bytes,
    /// By its bytes, once they are UTF-8.
    Converted,
}

/// What is told of a column: `DATA_TYPE`, `COLUMN_TYPE`, character set, collation, precision and scale.
pub(super) struct Declared<'a> {
    pub(super) name: &'a str,
    pub(super) whole: &'a str,
    pub(super) charset: Option<&'a str>,
    pub(super) collation: Option<&'a str>,
    pub(super) precision: usize,
    pub(super) scale: usize,
    /// There is a constraint that it be JSON.
    pub(super) is_json: bool,
}

impl Scalar {
    pub(super) fn of(declared: &Declared<'_>) -> Scalar {
        let is_unsigned = declared.whole.contains("unsigned");
        let integer = |bits: u32| match is_unsigned {
            true => Scalar::Integer(0, u64::MAX >> (64 - bits)),
            false => Scalar::Integer(i64::MIN >> (64 - bits), u64::MAX >> (65 - bits)),
        };
        match declared.name {
            _ if declared.is_json => Scalar::Json,
            // What `boolean` stands for.
            "tinyint" if declared.whole == "tinyint(1)" => Scalar::Boolean,
            "bit" if declared.precision == 1 => Scalar::Boolean,
            "bit" => Scalar::Integer(0, u64::MAX >> (64 - declared.precision.clamp(1, 64))),
            "tinyint" => integer(8),
            "smallint" => integer(16),
            "mediumint" => integer(24),
            "int" => integer(32),
            "bigint" => integer(64),
            // Two digits would be taken for those of another century.
            "year" => Scalar::Integer(1901, 2155),
            "float" => Scalar::Float,
            "double" => Scalar::Double,
            "decimal" => {
                let scale = declared.scale;
                Scalar::Decimal(Grid { whole: declared.precision.saturating_sub(scale), scale })
            }
            "uuid" => Scalar::Uuid,
            "inet4" => Scalar::Inet4,
            "inet6" => Scalar::Inet6,
            "datetime" | "timestamp" => Scalar::Moment,
            "date" => Scalar::Date,
            "time" => Scalar::Time,
            _ => match (declared.charset, declared.collation) {
                (Some("utf8mb4"), Some("utf8mb4_nopad_bin")) => Scalar::Text(Texts::Exact),
                (Some("utf8mb4"), _) => Scalar::Text(Texts::Bytes),
                (Some(_), _) => Scalar::Text(Texts::Converted),
                // `blob` and its like, geometries, and what is not known.
                (None, _) => Scalar::Bytes,
            },
        }
    }

    pub(super) fn told(self) -> store::Kind {
        match self {
            Scalar::Boolean => store::Kind::Boolean,
            Scalar::Integer(..) => store::Kind::Integer,
            Scalar::Float | Scalar::Double => store::Kind::Number,
            Scalar::Bytes => store::Kind::Binary,
            Scalar::Json => store::Kind::Json,
            _ => store::Kind::Text,
        }
    }

    /// Whether MariaDB takes a day that there is not for null, where the column has no null.
    pub(super) fn has_zeros(self) -> bool {
        matches!(self, Scalar::Moment | Scalar::Date)
    }
}
