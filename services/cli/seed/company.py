"""A generated company: deterministic rows of any number, as the import doors take them. Nobody in it exists."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from math import ceil
from typing import Any

REGIONS = {"north": ("en", "sv"), "south": ("en", "it"), "east": ("en", "pl"), "west": ("en", "fr")}
CAPACITY = {"sales": 60, "engineering": 40, "delivery": 40}  # effort points of an ordinary employee
CAPACITY_IN_USE = {"sales": 0.7, "engineering": 0.5, "delivery": 0.5}  # how much of that is in use
DEPARTMENT_SIZE = 12  # salespeople of one department
HISTORY_DAYS = 730  # days
OPEN, CANCELLED, BROKERED, LATE = 0.04, 0.02, 0.12, 0.15  # shares of orders
FIRST_NAMES = ("Alva", "Bela", "Cleo", "Dario", "Edda", "Falk", "Gita", "Hugo", "Ines", "Jonas", "Kira", "Liam", "Mara")
LAST_NAMES = (
    "Ashdown",
    "Birkholm",
    "Castell",
    "Dornfeld",
    "Elmsted",
    "Farrow",
    "Grennan",
    "Holmqvist",
    "Ivering",
    "Jarden",
)

FIRM_NAMES = (
    "Amber",
    "Brook",
    "Cobalt",
    "Dune",
    "Ember",
    "Fjord",
    "Granite",
    "Harbour",
    "Indigo",
    "Juniper",
    "Kestrel",
)

TRADE_NAMES = ("Foods", "Tools", "Textiles", "Machines", "Print", "Logistics", "Glass", "Paper", "Optics", "Pumps")

# Stages of each flow: name, function, effort before it is scaled to the company, days.
FLOWS: dict[str, tuple[tuple[str, str, float, int], ...]] = {
    "standard": (("offer", "sales", 0.1, 2), ("preparation", "engineering", 0.2, 5), ("delivery", "delivery", 0.3, 7)),
    "project": (("offer", "sales", 0.3, 5), ("design", "engineering", 0.6, 15), ("delivery", "delivery", 0.6, 10)),
    "resale": (("offer", "sales", 0.1, 1), ("forwarding", "delivery", 0.1, 5)),
}


@dataclass(frozen=True)
class SeedPlan:
    """How many there are of each, and `today`, the day to which its history leads."""

    employee_count: int
    client_count: int
    order_count: int
    today: date

    @cached_property
    def functions(self) -> Sequence[str]:
        """What each employee does: the pattern of ten over and over, so that any number has all of them."""
        pattern = ("sales", "engineering", "delivery", "sales", "sales", "engineering", "sales", "delivery")
        return [(*pattern, "sales", "sales")[number % 10] for number in range(self.employee_count)]

    @cached_property
    def departments_of(self) -> Sequence[str]:
        """The department of each employee; the first heads the company itself."""
        counts: dict[tuple[str, str], int] = {}
        departments = []
        for number, function in enumerate(self.functions):
            region = list(REGIONS)[number // 10 % len(REGIONS)]
            nth = counts.get((region, function), 0)
            counts[region, function] = nth + 1
            departments.append(f"{function}-{region}-{nth // DEPARTMENT_SIZE + 1}" if number else "company")
        return departments

    @cached_property
    def heads(self) -> dict[str, int]:
        """The first employee of each department heads it."""
        heads: dict[str, int] = {}
        for number, department in enumerate(self.departments_of):
            heads.setdefault(department, number)
        return heads

    @cached_property
    def seats(self) -> Sequence[int]:
        """The salespeople, each once for every part of the clients that is theirs: some serve twice as many as others."""
        random_ = random.Random("seats")  # noqa: S311 - to be the same every time, not to be secret
        sellers = [number for number, function in enumerate(self.functions) if function == "sales"]
        seats = [seller for seller in sellers for _ in range(random_.randint(3, 6))]
        random_.shuffle(seats)
        return seats

    @cached_property
    def doers(self) -> dict[str, Sequence[int]]:
        return {name: [n for n, function in enumerate(self.functions) if function == name] for name in CAPACITY}

    @cached_property
    def effort_of_client(self) -> float:
        return min(
            1.0,
            0.9 * CAPACITY_IN_USE["sales"] * CAPACITY["sales"] * len(self.doers["sales"]) / max(1, self.client_count),
        )

    @cached_property
    def capacity_of(self) -> Sequence[int]:
        """Effort points of each employee, in proportion to the clients they have."""
        parts = [0] * self.employee_count
        for seller in self.seats:
            parts[seller] += 1
        ordinary = len(self.seats) / max(1, len(self.doers["sales"]))
        return [
            ceil(CAPACITY["sales"] * parts[number] / ordinary) if function == "sales" else CAPACITY[function]
            for number, function in enumerate(self.functions)
        ]

    def flows(self) -> list[dict[str, Any]]:
        """The flows of its orders, with efforts such that what is open fits the capacity of those who do it."""
        scale = {
            name: min(
                1.0, 0.3 * CAPACITY_IN_USE[name] * CAPACITY[name] * len(doers) / max(1.0, self.order_count * OPEN * 0.3)
            )
            for name, doers in self.doers.items()
        }
        return [
            {
                "id": flow,
                "name": f"{flow.title()} order",
                "stages": [
                    {"name": name, "function": function, "effort": round(effort * scale[function], 4), "days": days}
                    for name, function, effort, days in stages
                ],
                "separate": [[stages[0][0], stages[-1][0]]],
            }
            for flow, stages in FLOWS.items()
        ]

    def department_rows(self, *, headed: bool) -> Iterator[dict[str, Any]]:
        """The tree: company, regions, departments. Heads can be named once the employees are known."""
        tree = {"company": None, **dict.fromkeys(REGIONS, "company")}
        tree |= {department: department.split("-")[1] for department in self.heads if department != "company"}
        for department, parent in tree.items():
            row: dict[str, Any] = {"id": department, "name": department.replace("-", " ").title()}
            if parent:
                row["parent_id"] = parent
            if headed:
                row["head_id"] = format_employee_id(self.heads.get(department, 0))
            yield row

    def employee_rows(self) -> Iterator[dict[str, Any]]:
        """Managers come before those they manage; deputies are colleagues of the same department."""
        random_ = random.Random("employees")  # noqa: S311
        colleagues: dict[str, list[int]] = {}
        for number, department in enumerate(self.departments_of):
            colleagues.setdefault(department, []).append(number)
        for number, department in enumerate(self.departments_of):
            function, region = self.functions[number], list(REGIONS)[number // 10 % len(REGIONS)]
            first, last = random_.choice(FIRST_NAMES), random_.choice(LAST_NAMES)
            row: dict[str, Any] = {
                "id": format_employee_id(number),
                "name": f"{first} {last}",
                "email": f"{first}.{last}.{number}@company.example".lower(),
                "position": f"{function.title()} {'lead' if self.heads[department] == number else 'specialist'}",
                "department_id": department,
                "functions": {function: self.capacity_of[number]},
                "regions": [region],
                "languages": list(REGIONS[region]),
                "hired_on": (self.today - timedelta(days=HISTORY_DAYS + random_.randrange(4000))).isoformat(),
            }
            head = self.heads[department]
            if number:
                row["manager_id"] = format_employee_id(head if head != number else 0)
            peers = colleagues[department]
            if len(peers) > 1:
                row["deputy_id"] = format_employee_id(peers[(peers.index(number) + 1) % len(peers)])
            yield row

    def owner_of(self, client: int) -> int:
        return self.seats[client % len(self.seats)]

    def doer_of(self, client: int, function: str) -> int:
        """Who of us serves this client in a function."""
        if function == "sales":
            return self.owner_of(client)
        doers = self.doers[function]
        return doers[client % len(doers)]

    def client_rows(self) -> Iterator[dict[str, Any]]:
        """Owner by owner, as a list of clients is kept: those of one owner are registered together."""
        random_ = random.Random("clients")  # noqa: S311
        regions = list(REGIONS)
        by_owner = (
            number for seat in range(len(self.seats)) for number in range(seat, self.client_count, len(self.seats))
        )
        for number in by_owner:
            owner = self.owner_of(number)
            region = regions[owner // 10 % len(regions)]
            firm = f"{FIRM_NAMES[number % len(FIRM_NAMES)]} {TRADE_NAMES[number // len(FIRM_NAMES) % len(TRADE_NAMES)]} {number}"
            row: dict[str, Any] = {
                "id": format_client_id(number),
                "name": firm,
                "owner_id": format_employee_id(owner),
                "effort": round(self.effort_of_client * (0.5 + random_.random()), 4),
                "regions": [region],
                "languages": [REGIONS[region][number % 2]],
                "contacts": [
                    {
                        "name": f"{random_.choice(FIRST_NAMES)} {random_.choice(LAST_NAMES)}",
                        "email": f"office@client-{number}.example",
                        "phone": f"+999 {number:07d}",
                    }
                ],
            }
            if random_.random() < 0.6:
                row["team"] = {"delivery": format_employee_id(self.doer_of(number, "delivery"))}
            yield row

    def order_rows(self) -> Iterator[dict[str, Any]]:
        """Oldest first; the last ones are open: placed lately, and promised for a day to come."""
        chance = random.Random("orders").random  # noqa: S311
        # Texts are made once: there are few days and employees, and very many orders.
        days = {ago: (self.today - timedelta(days=ago)).isoformat() for ago in range(-60, HISTORY_DAYS + 120)}
        people = [format_employee_id(number) for number in range(self.employee_count)]
        took_by_flow = {flow: sum(days for _, _, _, days in stages) * 3 // 2 for flow, stages in FLOWS.items()}
        of_ten = (*["standard"] * 7, *["project"] * 3)
        closed = round(self.order_count * (1 - OPEN))
        for number in range(self.order_count):
            client = int(self.client_count * chance() ** 1.5)  # some clients order much more than others
            brokered = chance() < BROKERED
            flow = "resale" if brokered else of_ten[number % 10]
            took = took_by_flow[flow]
            past = took + 10 + int((1 - number / closed) * HISTORY_DAYS) if number < closed else 0
            placed = past or int(chance() * min(took, 14))
            row: dict[str, Any] = {
                "id": f"o-{number + 1:07d}",
                "client_id": format_client_id(client),
                "flow_id": flow,
                "value": f"{400 / (1.02 - chance()):.2f}",
                "origin": "brokered" if brokered else "own",
                "placed_on": days[placed],
                "promised_on": days[placed - took],
                "assignees": {name: people[self.doer_of(client, function)] for name, function, _, _ in FLOWS[flow]},
            }
            if number < closed and chance() < CANCELLED:
                row["cancelled_on"] = days[placed - 1 - int(chance() * took)]
            elif number < closed:
                late = chance() < LATE
                row["delivered_on"] = days[
                    placed - took - (1 + int(chance() * 9) if late else -int(chance() * took / 2))
                ]
            yield row


def format_employee_id(number: int) -> str:
    return f"e-{number + 1:04d}"


def format_client_id(number: int) -> str:
    return f"c-{number + 1:06d}"
