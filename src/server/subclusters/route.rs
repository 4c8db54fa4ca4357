//! The addresses below `/subclusters`.

use crate::server::error::Error;
use crate::server::route::parameters;

/// What of the subclusters is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) enum Route {
    /// `/subclusters?name=NAME&name=…`: where these stand, or all if none is named.
    List(Vec<String>),
}

impl Route {
    /// Reads what follows `/subclusters`, decoded.
    pub(in crate::server) fn parse(below: &str, query: Option<&str>) -> Result<Self, Error> {
        match below {
            "" => Ok(Self::List(parameters(query, "name").collect::<Result<_, _>>()?)),
            _ => Err(Error::NoRoute),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_subclusters_can_be_named() {
        let names = |query| match Route::parse("", query).unwrap() {
            Route::List(names) => names,
        };
        assert_eq!(names(None), [""; 0]);
        assert_eq!(names(Some("name=west&x=y&name=%65ast")), ["west", "east"]);
    }
}
