//! Why a node cannot take part.

use redis::RedisError;
use std::fmt;

/// Why a node cannot take part in the cluster.
#[derive(Debug)]
#[non_exhaustive]
pub enum ClusterError {
    /// Redis cannot be reached, or answers with an error. This may pass.
    Redis(RedisError),
    /// A person has to change something. The line says what.
    Unusable(String),
}

impl fmt::Display for ClusterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Redis(error) => write!(f, "Redis: {error}"),
            Self::Unusable(line) => f.write_str(line),
        }
    }
}

impl std::error::Error for ClusterError {}

impl From<RedisError> for ClusterError {
    fn from(error: RedisError) -> Self {
        Self::Redis(error)
    }
}
