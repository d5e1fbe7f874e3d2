"""What a rehired person had before goes to their stand-in, or waits for a head."""

from collections.abc import Container

from services.orders.orders.rules import Order


def give_stages_to_stand_in(order: Order, leaver_id: str, stand_in_id: str | None, functions: Container[str]) -> Order:
    """What the leaver of an ended employment still has goes to the stand-in, who works in `functions`.

    Where the stand-in does not work in the function, or does a stage that must be in different hands, it waits for a head.
    """
    for stage in order.stages:
        if stage.open and stage.employee_id == leaver_id:
            fits = stage.function in functions and stand_in_id not in order.get_need(stage).barred
            order = order.replace_stage(stage.reassign(stand_in_id if fits else None))
    return order.next_version()
