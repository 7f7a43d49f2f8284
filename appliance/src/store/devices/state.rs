//! How devices and their commands stand, as rows hold it.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};

/// A type that rows hold as one of a few words.
macro_rules! words {
    ($type:ident { $($variant:ident => $word:literal),+ $(,)? }) => {
        impl $type {
            /// As stored.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word),+
                }
            }
        }

        impl ToSql for $type {
            fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
                Ok(self.as_str().into())
            }
        }

        impl FromSql for $type {
            fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
                match value.as_str()? {
                    $($word => Ok(Self::$variant),)+
                    other => Err(FromSqlError::Other(format!("{other:?} is no {}", stringify!($type)).into())),
                }
            }
        }
    };
}

/// How a device is, as the box last heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Presence {
    /// It is there and can be used.
    Ready,
    /// It is there and says that it cannot be used.
    Fault,
    /// Nothing is heard of it.
    Lost,
    /// Its answers were rejected several times: put aside until it is paired anew.
    Quarantined,
}

words!(Presence { Ready => "ready", Fault => "fault", Lost => "lost", Quarantined => "quarantined" });

/// What a command has a device do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandKind {
    /// 授权页.
    Authorize,
    /// 扫码页: a challenge for a phone.
    Challenge,
    /// 告知页.
    Notice,
    /// 评价页.
    Rating,
    /// 读卡.
    Read,
}

words!(CommandKind { Authorize => "authorize", Challenge => "challenge", Notice => "notice", Rating => "rating", Read => "read" });

/// How far a command is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandState {
    /// The device should do it now.
    Open,
    /// The device has answered.
    Answered,
    /// Taken back, run out, or overtaken.
    Closed,
}

words!(CommandState { Open => "open", Answered => "answered", Closed => "closed" });
