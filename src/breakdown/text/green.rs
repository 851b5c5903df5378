//! What would make the account green.

use super::super::document::{Breakdown, Step};
use super::page::{Page, exact, said};

pub(super) fn write(breakdown: &Breakdown, page: &mut Page) {
    let green = &breakdown.green;
    page.section("WHAT WOULD MAKE IT GREEN");
    let (target, at_once, hours) = (exact(green.target), exact(green.at_once), exact(green.hours));
    page.item(&format!("health of {target} or more for {hours} h, or of {at_once} or more at once"));
    if let Some(note) = &green.note {
        page.item(note);
    }
    if !green.single.is_empty() {
        page.item("each of these changes alone, the smallest first:");
        green.single.iter().for_each(|step| write_step(step, page));
    } else if let Some(best) = green.best {
        page.item("no single change suffices");
        if green.together.is_empty() {
            page.labelled("", &format!("and all together reach {}", said(best, 1)));
        } else {
            page.item("these changes together, the largest effect first:");
            green.together.iter().for_each(|step| write_step(step, page));
        }
    }
}

fn write_step(step: &Step, page: &mut Page) {
    let ends = match step.ends.as_slice() {
        [] => String::new(),
        rules => format!("; this ends the rule {}", rules.join(" and ")),
    };
    page.labelled(&format!("-> {}", said(step.score, 1)), &format!("{}{ends}", step.sentence));
}
