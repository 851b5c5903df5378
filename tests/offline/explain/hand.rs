//! Redoes a score with nothing but the numbers that `explain` prints, as a reader with a pocket calculator does.

/// What comes out.
#[derive(Debug, Default)]
pub struct Hand {
    pub score: Option<f64>,
    pub risk: Option<f64>,
    pub band: String,
    pub rules: Vec<String>,
}

/// The lines of a section, each with what was wrapped below it, without the heading.
fn section(text: &str, heading: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let inside = text.lines().skip_while(|line| !line.starts_with(heading)).skip(1).take_while(|line| !line.is_empty());
    for line in inside {
        match lines.last_mut() {
            Some(last)
                if line.starts_with("                 ") || (line.starts_with("      ") && !line.trim_start().starts_with("week")) =>
            {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => lines.push(line.to_owned()),
        }
    }
    lines
}

/// The text beside a label.
fn labelled<'a>(line: &'a str, label: &str) -> Option<&'a str> {
    line.trim_start().strip_prefix(label)?.strip_prefix(' ').map(str::trim)
}

fn number(text: &str) -> f64 {
    text.trim().trim_matches(['(', ')', ',', ';', ':']).parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}

/// The value of `a op b op c`, with brackets, from left to right by the usual precedence.
fn value(expression: &str) -> f64 {
    let mut tokens: Vec<String> = Vec::new();
    for word in expression.split_whitespace() {
        let mut rest = word;
        while let Some(inner) = rest.strip_prefix('(') {
            tokens.push("(".into());
            rest = inner;
        }
        let closing = rest.len() - rest.trim_end_matches(')').len();
        tokens.push(rest.trim_end_matches(')').into());
        tokens.extend(std::iter::repeat_n(")".to_owned(), closing));
    }
    let mut place = 0;
    let result = added(&tokens, &mut place);
    assert_eq!(place, tokens.len(), "{expression}");
    result
}

fn added(tokens: &[String], place: &mut usize) -> f64 {
    let mut result = multiplied(tokens, place);
    while let Some(operator) = tokens.get(*place).filter(|token| ["+", "-"].contains(&&***token)) {
        *place += 1;
        let next = multiplied(tokens, place);
        result = if operator == "+" { result + next } else { result - next };
    }
    result
}

fn multiplied(tokens: &[String], place: &mut usize) -> f64 {
    let mut result = operand(tokens, place);
    while let Some(operator) = tokens.get(*place).filter(|token| ["x", "/"].contains(&&***token)) {
        *place += 1;
        let next = operand(tokens, place);
        result = if operator == "x" { result * next } else { result / next };
    }
    result
}

fn operand(tokens: &[String], place: &mut usize) -> f64 {
    let token = &tokens[*place];
    *place += 1;
    if token != "(" {
        return number(token);
    }
    let inner = added(tokens, place);
    assert_eq!(tokens[*place], ")");
    *place += 1;
    inner
}

/// Redoes `expression = result` and checks the result.
fn redone(line: &str) -> f64 {
    let (expression, result) = line.rsplit_once(" = ").unwrap_or_else(|| panic!("`{line}` has no result"));
    let (by_hand, printed) = (value(expression), number(result));
    assert!((by_hand - printed).abs() < 1e-4, "{line}: {by_hand}");
    by_hand
}

/// The text after the last colon and before the first semicolon.
fn arithmetic(text: &str) -> &str {
    let text = text.split("; ").next().unwrap();
    text.rsplit_once(": ").map_or(text, |(_, arithmetic)| arithmetic)
}

impl Hand {
    pub fn redo(text: &str) -> Self {
        let mut hand = Self::default();
        hand.redo_health(text);
        hand.redo_band(text);
        hand.redo_risk(text);
        hand
    }

    fn redo_health(&mut self, text: &str) {
        let (mut score, mut weight) = (0.0, 0.0);
        let mut contributions = Vec::new();
        let mut mean = None;
        for line in section(text, "HEALTH") {
            if let Some(curve) = labelled(&line, "score") {
                score = if curve.contains("between") { redone(arithmetic(curve)) } else { number(curve.rsplit(" = ").next().unwrap()) };
            } else if let Some(fraction) = labelled(&line, "weight") {
                weight = redone(fraction);
            } else if let Some(product) = labelled(&line, "contribution") {
                let product = redone(product);
                assert!((product - weight * score).abs() < 1e-4, "{line}");
                contributions.push(product);
            } else if let Some(sum) = labelled(&line, "mean").filter(|sum| sum.contains('=')) {
                mean = Some(redone(sum));
                assert!((contributions.iter().sum::<f64>() - mean.unwrap()).abs() < 1e-3, "{line}: {contributions:?}");
            }
        }
        self.score = mean;
        self.redo_rules(text);
        if let Some(kept) = text.lines().find_map(|line| line.trim().strip_prefix("frozen: ")) {
            self.score = kept.split(',').next().filter(|kept| *kept != "none").map(number);
        }
    }

    fn redo_rules(&mut self, text: &str) {
        let mut sole = None;
        for line in section(text, "RULES") {
            if let Some(name) = line.trim().strip_suffix(": in force") {
                self.rules.push(name.to_owned());
            } else if let Some(effect) = labelled(&line, "effect") {
                if let Some(cap) = effect.strip_prefix("this rule alone gives health ") {
                    sole = Some(number(cap.split(';').next().unwrap()));
                } else if effect.contains('=') {
                    self.score = Some(redone(arithmetic(effect)));
                }
            } else if let Some(health) = labelled(&line, "health") {
                if health.contains('=') {
                    self.score = Some(redone(health));
                } else {
                    self.score = sole.or(self.score);
                    assert_eq!(health == "none", self.score.is_none(), "{line}");
                    if let Some(score) = self.score {
                        assert!((score - number(health)).abs() < 1e-4, "{line}: {score}");
                    }
                }
            }
        }
    }

    /// From the band before and the borders to the band now.
    fn redo_band(&mut self, text: &str) {
        let lines = section(text, "BAND");
        let first = lines[0].trim();
        let (before, rest) = first.strip_prefix("before this scoring ").unwrap().split_once(", now ").unwrap();
        let (now, why) = rest.split_once(": ").unwrap();
        self.band = if lines.len() == 1 {
            self.band_without_borders(why, before)
        } else {
            let above = [1, 2].map(|border: usize| is_above(&lines[border], self.score.unwrap()));
            if above[1] {
                "green"
            } else if above[0] {
                "yellow"
            } else {
                "red"
            }
            .to_owned()
        };
        assert_eq!(self.band, now, "{lines:?}");
    }

    fn band_without_borders(&self, why: &str, before: &str) -> String {
        match (why.contains("churned"), self.score) {
            (true, _) => "churned".to_owned(),
            (false, None) => "unknown".to_owned(),
            (false, Some(score)) => {
                assert!(why.contains("no hysteresis") || why.contains("at once"), "{before}: {why}");
                if score >= 70.0 {
                    "green"
                } else if score >= 40.0 {
                    "yellow"
                } else {
                    "red"
                }
                .to_owned()
            }
        }
    }

    fn redo_risk(&mut self, text: &str) {
        let mut products = Vec::new();
        for line in section(text, "RISK") {
            let trimmed = line.trim();
            if trimmed.contains(" - 50) / 50 = ") {
                let (input, product) = trimmed.split_once("; ").unwrap();
                let input = redone(input.rsplit_once(": ").unwrap().1);
                let (coefficient, _) = product.split_once(" x ").unwrap();
                let product = redone(product);
                assert!((product - number(coefficient) * input).abs() < 1e-4, "{line}");
                products.push(product);
            } else if let Some(sum) = labelled(&line, "sum") {
                assert!((redone(sum) - products.iter().sum::<f64>()).abs() < 1e-3, "{line}");
            } else if let Some(scale) = labelled(&line, "scale") {
                redone(scale.strip_prefix("|coefficients| ").unwrap().split(", for").next().unwrap());
            } else if let Some(odds) = labelled(&line, "log-odds") {
                let z = redone(odds);
                self.risk = Some(1.0 / (1.0 + (-z).exp()));
            } else if let Some(floor) = labelled(&line, "risk").and_then(|risk| risk.strip_prefix("at least ")) {
                self.risk = self.risk.map(|risk| risk.max(number(floor.split(' ').next().unwrap())));
            } else if let Some(kept) = trimmed.strip_suffix(", as last published") {
                self.risk = Some(number(kept));
            }
        }
    }
}

/// The side of a border after this scoring.
fn is_above(line: &str, score: f64) -> bool {
    let word = |after: &str, nth: usize| number(line.split(after).nth(1).unwrap().split(' ').nth(nth).unwrap());
    let border = word("border ", 0);
    let was_above = line.contains(": was above");
    let is_beyond = if was_above { score < border } else { score >= border };
    assert_eq!(is_beyond, line.contains(" past it "), "{line}");
    if !is_beyond {
        return was_above;
    }
    let past = (border - score).abs();
    let crosses = past >= word("(crosses at ", 0) || line.contains("without waiting") || {
        let (_, hours) = line.split_once("beyond it since ").unwrap();
        let hours = hours.split_once(", ").unwrap().1;
        number(hours.split(' ').next().unwrap()) >= number(hours.split("(crosses at ").nth(1).unwrap().split(' ').next().unwrap())
    };
    was_above != crosses
}
