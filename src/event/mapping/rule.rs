//! The rules of a mapping, as compiled from its file.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::condition::Condition;
use super::convert::Convert;
use super::place::Place;
use super::target::EventTarget;

/// What a payload must have to be one that the mapping is for.
#[derive(Clone, Debug)]
pub struct Requirement {
    /// Which payloads must have it; without conditions, all.
    pub when: Vec<Condition>,
    /// Places of which one must be given.
    pub one_of: Vec<Place>,
}

/// How one type of event is made.
#[derive(Clone, Debug)]
pub struct EventRule {
    /// The native type.
    pub target: &'static EventTarget,
    /// When there is such an event.
    pub when: Vec<Condition>,
    /// The list whose elements are one event each.
    pub each: Option<Place>,
    /// What the mapping cannot turn into the event.
    pub refusals: Vec<Refusal>,
    /// When the event counts a discount as nothing, since the payload does not say what it is worth.
    pub list_price: Vec<Case>,
    /// Its own fields.
    pub fields: Vec<Field>,
}

/// A case that a payload may be.
#[derive(Clone, Debug)]
pub struct Case {
    /// When it is.
    pub when: Vec<Condition>,
    /// The list of which one element must be such a case.
    pub each: Option<Place>,
}

/// A case that is rejected, because the event would say something wrong.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// The case.
    pub case: Case,
    /// Why, in the words of the mapping.
    pub reason: String,
}

/// A native field, and what it is made of.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its name in native events; in `aliases`, a system.
    pub name: String,
    /// Its value.
    pub value: FieldValue,
}

/// What a field is made of.
#[derive(Clone, Debug)]
pub enum FieldValue {
    /// The first of these that is given.
    First(Vec<Source>),
    /// A list of what all of these give.
    List(Vec<Object>),
    /// An object.
    Object(Object),
}

/// An object, or one for each element of a list.
#[derive(Clone, Debug)]
pub struct Object {
    /// When there is such an object.
    pub when: Vec<Condition>,
    /// The list whose elements are one object each.
    pub each: Option<Place>,
    /// What it holds.
    pub content: Content,
    /// Fields of which it must have one, since without them it says nothing.
    pub needs: &'static [&'static str],
}

/// The content of an element of a list.
#[derive(Clone, Debug)]
pub enum Content {
    /// An object.
    Fields(Vec<Field>),
    /// A scalar.
    Scalar(Box<Source>),
}

/// One way to find a value.
#[derive(Clone, Debug)]
pub struct Source {
    /// When it applies.
    pub when: Vec<Condition>,
    /// The list whose first element that gives a value decides; all places start there.
    pub each: Option<Place>,
    /// Where the value comes from.
    pub origin: Origin,
    /// The table in which it is looked up.
    pub table: Option<Arc<Table>>,
    /// How it is written.
    pub convert: Convert,
    /// The JSON text of what applies if there is none.
    pub default: Option<String>,
    /// Whether the event is rejected without it.
    pub required: bool,
    /// For an account: the system in which it is an alias.
    pub system: Option<String>,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
pub enum Origin {
    /// A place.
    Place(Place),
    /// The JSON text of a constant.
    Constant(String),
    /// The texts at all of these places, with a colon between them; nothing if one is missing.
    Join(Vec<Place>),
}

/// A look-up table.
#[derive(Clone, Debug)]
pub struct Table {
    /// Its name, or that of the field it belongs to.
    pub name: String,
    /// The JSON text of the entry for each value, in lower case.
    pub entries: HashMap<String, String>,
    /// The JSON text for all other values; `None`: they reject the event.
    pub otherwise: Option<String>,
}

impl Field {
    /// The places that a value may come from, as written, each once; of a list or an object, those of its field `inner`.
    pub(super) fn places(&self, inner: Option<&str>) -> Vec<String> {
        let mut places = self.all_places(inner);
        let mut known = BTreeSet::new();
        places.retain(|place| known.insert(place.clone()));
        places
    }

    fn all_places(&self, inner: Option<&str>) -> Vec<String> {
        match &self.value {
            FieldValue::First(sources) => sources.iter().flat_map(Source::places).collect(),
            FieldValue::List(objects) => {
                let found: Vec<String> = objects.iter().flat_map(|object| object.places(inner)).collect();
                let lists = || objects.iter().filter_map(|object| object.each.as_ref().map(ToString::to_string)).collect();
                if found.is_empty() { lists() } else { found }
            }
            FieldValue::Object(object) => object.places(inner),
        }
    }
}

impl Object {
    /// The places of a field, behind the list whose elements they start at.
    fn places(&self, field: Option<&str>) -> Vec<String> {
        let Content::Fields(fields) = &self.content else { return Vec::new() };
        let found = fields.iter().filter(|own| Some(own.name.as_str()) == field).flat_map(|own| own.places(None));
        match &self.each {
            None => found.collect(),
            Some(each) => found.map(|place| if place.starts_with(['^', '@']) { place } else { format!("{each}[]{place}") }).collect(),
        }
    }
}

impl Source {
    /// Where it looks, for the end of a message.
    pub(super) fn written(&self) -> String {
        match self.places() {
            places if places.is_empty() => String::new(),
            places => format!(" ({})", places.join(", ")),
        }
    }

    fn places(&self) -> Vec<String> {
        let places = match &self.origin {
            Origin::Place(place) => vec![place.to_string()],
            Origin::Constant(_) => Vec::new(),
            Origin::Join(places) => places.iter().map(ToString::to_string).collect(),
        };
        match &self.each {
            None => places,
            Some(each) => places.iter().map(|place| format!("{each}[]{place}")).collect(),
        }
    }
}
