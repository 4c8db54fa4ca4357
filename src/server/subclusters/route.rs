//! The addresses below `/subclusters`.

use super::question::Question;
use crate::server::error::Error;

/// What of the subclusters is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) enum Route {
    /// `/subclusters?name=NAME&name=…`: where these stand, or all if none is named.
    List(Question),
    /// `/subclusters/NAME…`: something of one.
    One(String, What),
}

/// What of one subcluster.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::server) enum What {
    /// `/subclusters/NAME`
    Itself,
    /// `/subclusters/NAME/copy`
    Copy,
    /// `/subclusters/NAME/conflict`
    Conflict,
    /// `/subclusters/NAME/master`
    Master,
    /// `/subclusters/NAME/slaves`
    Slaves,
    /// `/subclusters/NAME/override`
    Override,
}

impl Route {
    /// Reads what follows `/subclusters`, decoded.
    pub(in crate::server) fn parse(below: &str, query: Option<&str>) -> Result<Self, Error> {
        let Some(below) = below.strip_prefix('/') else {
            return match below {
                "" => Question::parse(query).map(Self::List),
                _ => Err(Error::NoRoute),
            };
        };
        let (name, what) = match below.split_once('/') {
            None => (below, What::Itself),
            Some((name, what)) => (name, What::parse(what).ok_or(Error::NoRoute)?),
        };
        match name {
            "" => Err(Error::NoRoute),
            _ => Ok(Self::One(name.to_owned(), what)),
        }
    }
}

impl What {
    fn parse(word: &str) -> Option<Self> {
        match word {
            "copy" => Some(Self::Copy),
            "conflict" => Some(Self::Conflict),
            "master" => Some(Self::Master),
            "slaves" => Some(Self::Slaves),
            "override" => Some(Self::Override),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_subclusters_can_be_named() {
        let names = |query| match Route::parse("", query).unwrap() {
            Route::List(question) => question.names,
            Route::One(..) => panic!("not a list"),
        };
        assert_eq!(names(None), [""; 0]);
        assert_eq!(names(Some("name=west&x=y&name=%65ast&name=west")), ["east", "west"]);
    }

    #[test]
    fn every_address_is_understood_and_no_other() {
        let one = |below: &str| Route::parse(below, None).map_err(|_| ());
        assert_eq!(one("/west"), Ok(Route::One("west".into(), What::Itself)));
        for (word, what) in [
            ("copy", What::Copy),
            ("conflict", What::Conflict),
            ("master", What::Master),
            ("slaves", What::Slaves),
            ("override", What::Override),
        ] {
            assert_eq!(one(&format!("/west/{word}")), Ok(Route::One("west".into(), what)));
        }
        for below in ["/", "//copy", "/west/", "/west/copy/", "/west/other", "/west/copy/x", "x"] {
            assert_eq!(one(below), Err(()), "{below}");
        }
    }
}
