"""Orders of customers, one order of a customer after the other, in working hours.

Entity: a customer (40). An order goes ``order_created`` → ``credit_checked`` → (``manual_review``, one in seven) →
``approved`` → ``picked`` → ``shipped`` → ``invoiced`` → ``paid``. Columns: ``amount_eur`` (around the customer's own
habit), ``items`` (goes with the amount), ``discount_percent`` (agreed with the customer). Categories: ``activity``,
``employee`` (30, each with the activities of one role), ``requester`` (who created the order: a seller or a manager),
``approver`` (a manager other than the requester; absent until the order is approved). Event type: the activity.

- transaction_pattern_change: an order many times the customer's own amounts, and common for larger customers.
- workflow_deviation: two steps swapped, or one skipped; the events at which the order of steps is broken.
- unusual_user_behavior: an employee does what only another role does.
- compliance_violation: the approver is the requester, from the approval on.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int64

from snnlab.datasets.generators.assembly import assemble, check_request, generators_of, sorted_by_time, words
from snnlab.datasets.generators.episodes import Episodes
from snnlab.datasets.generators.strengths import Strengths, strengths
from snnlab.datasets.labelled import LabelledStream
from snnlab.types import Arrays

__all__ = ["generate"]

CUSTOMERS = tuple(f"customer-{i:02d}" for i in range(40))
STEPS = ("order_created", "credit_checked", "manual_review", "approved", "picked", "shipped", "invoiced", "paid")
CREATED, CHECKED, REVIEW, APPROVED, PICKED, SHIPPED, INVOICED, PAID = range(8)
ROLES = {"sales": 8, "credit": 5, "manager": 4, "warehouse": 7, "finance": 6}
ROLE_OF_STEP = (0, 1, 1, 2, 3, 3, 4, 4)
EMPLOYEES = tuple(f"{role}-{i}" for role, count in ROLES.items() for i in range(count))
ROLE = np.repeat(np.arange(len(ROLES)), list(ROLES.values()))
MANAGERS = np.flatnonzero(ROLE == 2)
OPEN_S, DAY_S = 10 * 3600.0, 86_400.0


@dataclass(frozen=True)
class _Trade:
    """Habits of the customers, one entry a customer."""

    amount: Float64[np.ndarray, " c"]
    price: Float64[np.ndarray, " c"]
    discount: Float64[np.ndarray, " c"]
    pace: Float64[np.ndarray, " c"]


def generate(seed: int, events: int = 20_000, anomalies: bool = True, world: int | None = None) -> LabelledStream:
    """A labelled stream of order steps.

    Raises ConfigError for a negative seed or fewer than 500 events.

    >>> stream = generate(seed=1, events=1_000, anomalies=False)
    >>> stream.events.names, stream.events.category_names
    (('amount_eur', 'items', 'discount_percent'), ('activity', 'employee', 'requester', 'approver'))
    """
    check_request(seed, events)
    of_world, rng = generators_of("business", seed, world)
    fixed = strengths("business")
    trade = _trade(of_world)
    quota = fixed.quota(events) if anomalies else 0
    # Steps that will be skipped are made in excess, so that the stream keeps its length.
    table = _orders(rng, trade, events + quota)
    _fill(rng, trade, table)
    train = int(fixed.train * events)
    marks = _inject(rng, fixed, trade, table, train, quota) if anomalies else {}
    keep = np.flatnonzero(~table["skipped"])[:events]
    step = table["step"][keep]
    return assemble(
        "business",
        seed,
        seconds=table["seconds"][keep],
        columns={
            "amount_eur": table["amount"][keep],
            "items": table["items"][keep],
            "discount_percent": table["discount"][keep],
        },
        entities=words(table["customer"][keep], CUSTOMERS),
        event_types=words(step, STEPS),
        categories={
            "activity": words(step, STEPS),
            "employee": words(table["employee"][keep], EMPLOYEES),
            "requester": words(table["requester"][keep], EMPLOYEES),
            "approver": words(table["approver"][keep], EMPLOYEES),
        },
        marks={kind: rows[keep] for kind, rows in marks.items()},
        train=train,
        world=world,
    )


def _trade(rng: np.random.Generator) -> _Trade:
    n = len(CUSTOMERS)
    return _Trade(
        amount=np.exp(rng.uniform(np.log(80.0), np.log(40_000.0), n)),
        price=np.exp(rng.uniform(np.log(2.0), np.log(60.0), n)),
        discount=rng.uniform(0.0, 12.0, n),
        pace=rng.uniform(0.7, 1.4, n),
    )


def _orders(rng: np.random.Generator, trade: _Trade, n: int) -> Arrays:
    """Which step of whose order happens when; ``order`` counts the orders."""
    # The quickest customers have about 1.4 / 0.7 times as many events as the mean one.
    orders = int(np.ceil(2.2 * n / (7 * len(CUSTOMERS)))) + 2
    shape = (len(CUSTOMERS), orders, len(STEPS))
    happens = np.ones(shape, np.bool_)
    happens[:, :, REVIEW] = rng.random(shape[:2]) < 1 / 7
    wait = rng.lognormal(np.log(2500.0), 0.8, shape) * trade.pace[:, None, None]
    wait[:, :, CREATED] *= 3.0
    working = np.cumsum(np.where(happens, wait, 0.0).reshape(len(CUSTOMERS), -1), axis=1).reshape(shape)
    customer, order, step = np.nonzero(happens)
    seconds = working[customer, order, step]
    table = {
        "seconds": seconds // OPEN_S * DAY_S + 8 * 3600.0 + seconds % OPEN_S,
        "customer": customer,
        "order": customer * orders + order,
        "step": step,
    }
    return sorted_by_time(table, n)


def _fill(rng: np.random.Generator, trade: _Trade, table: Arrays) -> None:
    """Who does each step, and for how much, added to the table."""
    customer, order, step, n = table["customer"], table["order"], table["step"], len(table["step"])
    counts = np.array(list(ROLES.values()))
    begins = np.r_[0, np.cumsum(counts)[:-1]]
    role = np.array(ROLE_OF_STEP)[step]
    table["employee"] = begins[role] + rng.integers(0, counts[role])
    orders = int(order.max()) + 1
    manages = rng.random(orders) < 0.3
    requester = np.where(manages, rng.choice(MANAGERS, orders), rng.integers(0, counts[0], orders))
    # The next manager but the requester: approving one's own order does not happen by chance.
    approver = MANAGERS[rng.integers(0, len(MANAGERS), orders)]
    other = MANAGERS[(approver - MANAGERS[0] + 1) % len(MANAGERS)]
    approver = np.where(approver == requester, other, approver)
    table["requester"] = requester[order]
    table["approver"] = np.where(step >= APPROVED, approver[order], -1)
    table["employee"] = np.where(step == CREATED, requester[order], table["employee"])
    table["employee"] = np.where(step == APPROVED, approver[order], table["employee"])
    of_order = rng.normal(0.0, 0.18, orders)
    table["amount"] = trade.amount[customer] * np.exp(of_order[order] + rng.normal(0.0, 0.1, n))
    table["items"] = np.ceil(table["amount"] / trade.price[customer] * np.exp(rng.normal(0.0, 0.1, n)))
    table["discount"] = np.clip(trade.discount[customer] + rng.normal(0.0, 0.8, n), 0.0, 60.0)
    table["skipped"] = np.zeros(n, np.bool_)


def _inject(
    rng: np.random.Generator, fixed: Strengths, trade: _Trade, table: Arrays, train: int, quota: int
) -> dict[str, Bool[np.ndarray, " n"]]:
    episodes = Episodes(rng, table["customer"], first=train, margin=fixed.margin)
    marks = {kind: np.zeros(len(table["step"]), np.bool_) for kind in fixed.types}
    _break_order(rng, fixed, table, episodes, marks["workflow_deviation"], quota)
    _approve_own(rng, table, episodes, marks["compliance_violation"], quota)

    change = fixed["transaction_pattern_change"]
    small = trade.amount <= np.quantile(trade.amount, change.victims)
    for rows in _whole_orders(rng, table, episodes, quota, small[table["customer"]]):
        factor = rng.uniform(*change.factor)
        table["amount"][rows] *= factor
        table["items"][rows] = np.ceil(table["items"][rows] * factor)
        marks["transaction_pattern_change"][rows] = True

    done = np.zeros((len(EMPLOYEES), len(STEPS)), np.bool_)
    done[table["employee"], table["step"]] = True
    ordinary = ~np.isin(table["step"], (CREATED, APPROVED))
    for rows in episodes.runs(quota, fixed["unusual_user_behavior"].run, eligible=ordinary):
        step = table["step"][rows[0]]
        stranger = rng.choice(np.flatnonzero(~done[:, step]))
        table["employee"][rows] = stranger
        done[stranger, step] = True
        marks["unusual_user_behavior"][rows] = True
    return marks


def _break_order(
    rng: np.random.Generator,
    fixed: Strengths,
    table: Arrays,
    episodes: Episodes,
    mark: Bool[np.ndarray, " n"],
    quota: int,
) -> None:
    swaps = round(quota / 4 * 2 * fixed["workflow_deviation"].swaps)
    skips = quota - 3 * swaps
    starts = rng.permutation(np.flatnonzero(np.isin(table["step"], (PICKED, SHIPPED))))
    for start in starts.tolist():
        rows = episodes.following(start, 3)
        if swaps and len(rows) and episodes.claim(rows):
            for name in ("step", "employee"):
                table[name][rows[:2]] = table[name][rows[1::-1]]
            mark[rows] = True
            swaps -= 1
    starts = rng.permutation(np.flatnonzero(np.isin(table["step"], (CHECKED, PICKED, SHIPPED, INVOICED))))
    for start in starts.tolist():
        rows = episodes.following(start, 2)
        if skips and len(rows) and episodes.claim(rows):
            table["skipped"][rows[0]] = True
            mark[rows[1]] = True
            skips -= 1


def _approve_own(
    rng: np.random.Generator, table: Arrays, episodes: Episodes, mark: Bool[np.ndarray, " n"], quota: int
) -> None:
    managed = (table["step"] == APPROVED) & np.isin(table["requester"], MANAGERS)
    for start in rng.permutation(np.flatnonzero(managed)).tolist():
        rows = episodes.following(start, 5)[: max(quota, 0)]
        if len(rows) and episodes.claim(rows):
            table["approver"][rows] = table["requester"][rows]
            table["employee"][rows[0]] = table["requester"][rows[0]]
            mark[rows] = True
            quota -= len(rows)


def _whole_orders(
    rng: np.random.Generator, table: Arrays, episodes: Episodes, quota: int, eligible: Bool[np.ndarray, " n"]
) -> list[Int64[np.ndarray, " k"]]:
    found: list[Int64[np.ndarray, " k"]] = []
    starts = np.flatnonzero(eligible & (table["step"] == CREATED))
    for start in rng.permutation(starts).tolist():
        rows = episodes.following(start, 7)[: max(quota, 0)]
        rows = rows[table["order"][rows] == table["order"][start]]
        if len(rows) and episodes.claim(rows):
            found.append(rows)
            quota -= len(rows)
    return found
