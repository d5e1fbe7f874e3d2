"""The life of an employment as people decide it."""



from tests.services.staff.company import company


async def test_a_resignation_is_announced_with_the_caretakers_in_order() -> None:
    async with company(last_resort="last") as staff:
        house = staff.house
        await house.ok("hr", "PUT", "/staff/v1/employees/s-1/deputy", json={"deputy_id": "s-2"})
        answer = await house.call(
            "hr", "POST", "/staff/v1/employees/s-1/resignation", json={"last_day": staff.day(30), "reason": "private"}
        )
        assert answer.status_code == 202
        assert answer.json()["status"] == "resigned"
        [resigned] = await house.sent("staff", "employee.resigned")
        assert resigned.data.caretakers == ["s-2", "head", "boss", "last"]
        assert resigned.data.last_day.isoformat() == staff.day(30)
        assert resigned.data.notice_on.isoformat() == staff.day()
        assert resigned.subject == "employee/s-1"
        assert "private" not in resigned.data.model_dump_json()
