//! What is read of Stripe's events. One type covers subscriptions and invoices, because the event's type comes after its object.

use crate::event::adapter::object::{Json, List, Nested, object};

object! {
    /// An event.
    struct StripeEvent<'a> {
        id: Json<'a> = "id",
        kind: Json<'a> = "type",
        created: Json<'a> = "created",
        data: Nested<Data<'a>> = "data",
        // Only of what is no event of this API, for the message.
        related_object: Json<'a> = "related_object",
        object: Json<'a> = "object",
    }
}

object! {
    /// Its `data`.
    struct Data<'a> {
        object: Nested<Subject<'a>> = "object",
    }
}

object! {
    /// The object that an event is about: a subscription or an invoice.
    struct Subject<'a> {
        id: Json<'a> = "id",
        customer: Json<'a> = "customer",
        customer_account: Json<'a> = "customer_account",
        metadata: Json<'a> = "metadata",
        currency: Json<'a> = "currency",
        created: Json<'a> = "created",
        // Subscriptions.
        status: Json<'a> = "status",
        items: Nested<Items<'a>> = "items",
        // Before items (2014), a subscription had one plan.
        plan: Json<'a> = "plan",
        quantity: Json<'a> = "quantity",
        discount: Json<'a> = "discount",
        discounts: Json<'a> = "discounts",
        trial_end: Json<'a> = "trial_end",
        // On the items since 2025-03-31.
        current_period_start: Json<'a> = "current_period_start",
        current_period_end: Json<'a> = "current_period_end",
        cancel_at_period_end: Json<'a> = "cancel_at_period_end",
        cancel_at: Json<'a> = "cancel_at",
        canceled_at: Json<'a> = "canceled_at",
        ended_at: Json<'a> = "ended_at",
        start_date: Json<'a> = "start_date",
        pause_collection: Json<'a> = "pause_collection",
        cancellation_details: Nested<CancellationDetails<'a>> = "cancellation_details",
        // Invoices.
        amount_paid: Json<'a> = "amount_paid",
        amount_due: Json<'a> = "amount_due",
        subscription_details: Json<'a> = "subscription_details",
        // Instead of subscription_details since 2025-03-31.
        parent: Json<'a> = "parent",
    }
}

object! {
    /// A list of subscription items, of which an event holds the first ten.
    struct Items<'a> {
        data: List<SubscriptionItem<'a>> = "data",
        has_more: Json<'a> = "has_more",
    }
}

object! {
    /// A subscription item.
    struct SubscriptionItem<'a> {
        price: Nested<Price<'a>> = "price",
        // Before prices (2020), and still beside them.
        plan: Json<'a> = "plan",
        quantity: Json<'a> = "quantity",
        current_period_start: Json<'a> = "current_period_start",
        current_period_end: Json<'a> = "current_period_end",
        discounts: Json<'a> = "discounts",
    }
}

object! {
    /// A price, or a plan: a plan has the fields of `recurring` itself and calls the amount differently.
    struct Price<'a> {
        id: Json<'a> = "id",
        product: Json<'a> = "product",
        currency: Json<'a> = "currency",
        currency_options: Json<'a> = "currency_options",
        billing_scheme: Json<'a> = "billing_scheme",
        unit_amount: Json<'a> = "unit_amount",
        unit_amount_decimal: Json<'a> = "unit_amount_decimal",
        recurring: Nested<Recurring<'a>> = "recurring",
        tiers: Json<'a> = "tiers",
        tiers_mode: Json<'a> = "tiers_mode",
        transform_quantity: Json<'a> = "transform_quantity",
        // Plans.
        amount: Json<'a> = "amount",
        amount_decimal: Json<'a> = "amount_decimal",
        interval: Json<'a> = "interval",
        interval_count: Json<'a> = "interval_count",
        usage_type: Json<'a> = "usage_type",
        transform_usage: Json<'a> = "transform_usage",
    }
}

object! {
    /// How a price recurs.
    struct Recurring<'a> {
        interval: Json<'a> = "interval",
        interval_count: Json<'a> = "interval_count",
        usage_type: Json<'a> = "usage_type",
    }
}

object! {
    /// What a price costs in another currency than its first.
    struct CurrencyOption<'a> {
        unit_amount: Json<'a> = "unit_amount",
        unit_amount_decimal: Json<'a> = "unit_amount_decimal",
        tiers: Json<'a> = "tiers",
    }
}

object! {
    /// A tier of a price.
    struct Tier<'a> {
        up_to: Json<'a> = "up_to",
        flat_amount: Json<'a> = "flat_amount",
        flat_amount_decimal: Json<'a> = "flat_amount_decimal",
        unit_amount: Json<'a> = "unit_amount",
        unit_amount_decimal: Json<'a> = "unit_amount_decimal",
        // The plans of 2018.
        amount: Json<'a> = "amount",
    }
}

object! {
    /// How a quantity becomes packages.
    struct Transform<'a> {
        divide_by: Json<'a> = "divide_by",
        round: Json<'a> = "round",
    }
}

object! {
    /// A discount: a coupon as it was applied.
    struct Applied<'a> {
        id: Json<'a> = "id",
        coupon: Json<'a> = "coupon",
        // Instead of coupon since 2025-09-30.
        source: Json<'a> = "source",
        end: Json<'a> = "end",
    }
}

object! {
    /// The source of a discount.
    struct DiscountSource<'a> {
        coupon: Json<'a> = "coupon",
    }
}

object! {
    /// A coupon.
    struct Coupon<'a> {
        percent_off: Json<'a> = "percent_off",
        // Before 2018-07-27, percent_off was rounded and this was not.
        percent_off_precise: Json<'a> = "percent_off_precise",
        amount_off: Json<'a> = "amount_off",
        currency: Json<'a> = "currency",
        currency_options: Json<'a> = "currency_options",
        duration: Json<'a> = "duration",
        applies_to: Json<'a> = "applies_to",
    }
}

object! {
    /// The products that a coupon is restricted to.
    struct AppliesTo<'a> {
        products: Json<'a> = "products",
    }
}

object! {
    /// Why and how a subscription was cancelled.
    struct CancellationDetails<'a> {
        reason: Json<'a> = "reason",
    }
}

object! {
    /// The subscription that an invoice is for.
    struct SubscriptionDetails<'a> {
        metadata: Json<'a> = "metadata",
    }
}

object! {
    /// What an invoice was made from.
    struct Parent<'a> {
        subscription_details: Json<'a> = "subscription_details",
    }
}

object! {
    /// An expanded object, of which only the id is read.
    struct Expanded<'a> {
        id: Json<'a> = "id",
    }
}
