"""What a rehired person had before goes to their stand-in, or waits for a head."""

from collections.abc import Container

from services.orders.orders.rules import Order, reassign_stage, replace_stage


def give_stages_to_stand_in(order: Order, leaver: str, stand_in: str | None, functions: Container[str]) -> Order:
    """What the leaver of an ended employment still has goes to the stand-in, who works in `functions`.

    Where the stand-in does not work in the function, or does a stage that must be in different hands, it waits for a head.
    """
    version = order.version + 1
    for stage in order.stages:
        if stage.open and stage.employee_id == leaver:
            fits = stage.function in functions and not any(
                other.employee_id == stand_in for other in order.stages if other.name in stage.apart
            )
            order = replace_stage(order, reassign_stage(stage, stand_in if fits else None))
    return order._replace(version=version)
