//! Fields of a JSON object, read as the input format allows: numbers as text, enum values in any case, null and empty as missing.

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{Signed as _, ToPrimitive as _};
use serde_json::{Map, Value};

use super::instant;

/// Codes of dead letters.
pub type Code = &'static str;
/// A field, its absence, or the code of its error.
pub type Field<T> = Result<Option<T>, Code>;

/// Maximum bytes of an id; other text is truncated to it.
const TEXT_BYTES: usize = 256;

/// The fields of an object.
#[derive(Clone, Copy)]
pub struct Fields<'a>(pub &'a Map<String, Value>);

/// A required field.
pub fn required<T>(field: Field<T>) -> Result<T, Code> {
    field?.ok_or("missing_field")
}

impl<'a> Fields<'a> {
    /// The value of a field unless it is missing, null or empty text.
    pub fn get(self, name: &str) -> Option<&'a Value> {
        self.0.get(name).filter(|value| !value.is_null() && value.as_str() != Some(""))
    }

    /// A text of any length; a number is read as its text.
    fn whole_text(self, name: &str) -> Field<String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(_) => Err("wrong_type"),
        }
    }

    /// An id.
    pub fn id(self, name: &str) -> Field<String> {
        let id = self.whole_text(name)?;
        if id.as_ref().is_some_and(|id| id.len() > TEXT_BYTES) { Err("out_of_range") } else { Ok(id) }
    }

    /// A text that is not an id, truncated at a character boundary.
    pub fn text(self, name: &str) -> Field<String> {
        Ok(self.whole_text(name)?.map(|text| cut(&text)))
    }

    /// One of the names, in any case.
    pub fn choice(self, name: &str, choices: &[&'static str]) -> Field<&'static str> {
        let text = match self.get(name) {
            None => return Ok(None),
            Some(Value::String(text)) => text,
            Some(_) => return Err("wrong_type"),
        };
        choices.iter().find(|choice| choice.eq_ignore_ascii_case(text)).map(|choice| Some(*choice)).ok_or("out_of_range")
    }

    /// An exact number, as JSON number or text.
    pub fn number(self, name: &str) -> Field<BigRational> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => decimal(&number.to_string()).map(Some).ok_or("wrong_type"),
            Some(Value::String(text)) => decimal(text).map(Some).ok_or("wrong_type"),
            Some(_) => Err("wrong_type"),
        }
    }

    /// A whole number of at least `least`.
    pub fn whole(self, name: &str, least: i64) -> Field<i64> {
        let Some(number) = self.number(name)? else { return Ok(None) };
        let whole = number.is_integer().then(|| number.to_integer().to_i64()).flatten();
        whole.filter(|whole| *whole >= least).map(Some).ok_or("out_of_range")
    }

    /// An optional instant; one before 1900 counts as absent.
    pub fn instant(self, name: &str) -> Field<i64> {
        Ok(self.any_instant(name)?.filter(|at| *at >= instant::BELIEVED_FROM))
    }

    /// A required instant.
    pub fn required_instant(self, name: &str) -> Result<i64, Code> {
        let at = required(self.any_instant(name))?;
        if at < instant::BELIEVED_FROM { Err("out_of_range") } else { Ok(at) }
    }

    /// An instant, however old.
    pub fn any_instant(self, name: &str) -> Field<i64> {
        self.get(name).map(instant::parse).transpose()
    }

    /// An amount in minor units, given in whole minor units or exactly in major units of a currency with this many decimals.
    pub fn amount(self, minor: &str, major: &str, decimals: u32) -> Field<BigRational> {
        match (self.get(minor), self.get(major)) {
            (Some(_), Some(_)) => Err("out_of_range"),
            (None, _) => Ok(self.number(major)?.map(|units| units * BigInt::from(10).pow(decimals))),
            (Some(written), None) => {
                let number = self.number(minor)?.filter(BigRational::is_integer).ok_or("out_of_range")?;
                let is_text_with_point = written.as_str().is_some_and(|text| text.contains('.'));
                if is_text_with_point { Err("out_of_range") } else { Ok(Some(number)) }
            }
        }
    }

    /// A boolean.
    pub fn flag(self, name: &str) -> Field<bool> {
        self.get(name).map(|value| value.as_bool().ok_or("wrong_type")).transpose()
    }

    /// An object.
    pub fn object(self, name: &str) -> Field<Self> {
        self.get(name).map(|value| value.as_object().map(Fields).ok_or("wrong_type")).transpose()
    }

    /// A list.
    pub fn list(self, name: &str) -> Field<&'a [Value]> {
        self.get(name).map(|value| value.as_array().map(Vec::as_slice).ok_or("wrong_type")).transpose()
    }

    /// Position of an answer on its scale, 0 to 1, higher is better: p = (score - min) / (max - min), reversed scales 1 - p.
    pub fn place(self) -> Field<f64> {
        if let Some(Value::String(text)) = self.get("score") {
            match text.to_ascii_lowercase().as_str() {
                "good" => return Ok(Some(1.0)),
                "bad" => return Ok(Some(0.0)),
                _ => {}
            }
        }
        let Some(score) = self.number("score")? else { return Ok(None) };
        let whole = |number: i64| BigRational::from_integer(BigInt::from(number));
        let (min, max, reversed) = match self.object("scale")? {
            None => (whole(1), whole(5), false),
            Some(scale) => (required(scale.number("min"))?, required(scale.number("max"))?, scale.flag("reversed")?.unwrap_or(false)),
        };
        if min >= max || score < min || score > max {
            return Err("out_of_range");
        }
        let p = (score - &min) / (max - min);
        let p = if reversed { whole(1) - p } else { p };
        Ok(p.to_f64())
    }
}

/// The longest prefix of whole characters that fits.
pub fn cut(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        if out.len() + character.len_utf8() > TEXT_BYTES {
            break;
        }
        out.push(character);
    }
    out
}

/// The exact value of a decimal number as JSON writes it.
pub fn decimal(text: &str) -> Option<BigRational> {
    let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let unsigned = digits.strip_prefix('-').unwrap_or(&digits);
    if unsigned.is_empty() || !unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let exponent: i32 = exponent.parse().ok()?;
    let shift = exponent - i32::try_from(fraction.len()).ok()?;
    let power = BigInt::from(10).pow(shift.unsigned_abs());
    let digits = BigRational::from_integer(digits.parse().ok()?);
    Some(if shift.is_negative() { digits / power } else { digits * power })
}

/// Rounds half to even.
pub fn half_even(value: &BigRational) -> i64 {
    let floor = value.floor().to_integer();
    let rest = value - BigRational::from_integer(floor.clone());
    let half = BigRational::new(BigInt::from(1), BigInt::from(2));
    let odd = (&floor % 2_i32).abs() == BigInt::from(1);
    let up = rest > half || (rest == half && odd);
    (floor + i32::from(up)).to_i64().unwrap()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fields, decimal, half_even};

    #[test]
    fn halves_go_to_the_even_neighbour() {
        let rounded = ["0.5", "1.5", "2.5", "-0.5", "-1.5", "2.51"].map(|text| half_even(&decimal(text).unwrap()));
        assert_eq!(rounded, [0, 2, 2, 0, -2, 3]);
    }

    #[test]
    fn a_whole_number_may_be_a_float_or_text() {
        for value in [json!(6), json!(6.0), json!("6"), json!("6.0")] {
            assert_eq!(Fields(json!({ "n": value }).as_object().unwrap()).whole("n", 1), Ok(Some(6)));
        }
    }

    #[test]
    fn a_reversed_scale_flips_the_position() {
        let answer = json!({"score": 2, "scale": {"min": 1, "max": 5, "reversed": true}});
        assert_eq!(Fields(answer.as_object().unwrap()).place(), Ok(Some(0.75)));
    }
}
