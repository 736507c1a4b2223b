"""People, tokens and sessions as an administrator sees them, and everybody's own profile."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.browser
PASSWORD = "correct horse battery staple"


def test_a_person_is_added_signs_in_and_is_shut_out(visit: Any, node: Any) -> None:
    page = visit("/users")
    page.click("#add-users")
    page.fill("#new-user", "beth")
    page.click("#dialog-send")
    password = page.inner_text("#secret")
    page.click("dialog .button-main")
    page.wait_for_selector("[data-user=beth]")
    assert password not in page.content()

    hers = visit("/sign-in", user=None)
    hers.fill("#user", "beth")
    hers.fill("#password", password)
    hers.click("button[type=submit]")
    hers.wait_for_selector("#link-state[data-state=live]")

    page.get_by_role("button", name="Disable: beth").click()
    page.click("#dialog-send")
    page.wait_for_selector("[data-user=beth].is-disabled")
    hers.wait_for_url("**/sign-in?next=**")
    visit.forgive("401")


def test_the_last_administrator_is_told_so(visit: Any) -> None:
    page = visit("/users")
    page.get_by_role("button", name="Disable: admin").click()
    page.click("#dialog-send")
    page.get_by_text("last administrator").wait_for()
    page.keyboard.press("Escape")
    assert "Active" in page.inner_text("[data-user=admin]")
    visit.forgive("409")


def test_a_token_is_shown_once_and_revoked(visit: Any) -> None:
    page = visit("/users")
    page.wait_for_selector("[data-user]")
    page.click("#add-tokens")
    page.fill("#token-name", "<b>report</b>")
    page.click("#dialog-send")
    assert page.inner_text("#secret").startswith("srn_")
    page.click("dialog .button-main")
    row = page.locator("[data-token]", has_text="<b>report</b>")
    row.get_by_role("button").click()
    page.click("#dialog-send")
    row.wait_for(state="detached")


def test_who_may_not_manage_people_sees_no_way_to_it(visit: Any) -> None:
    page = visit("/profile", user="operator")
    assert page.locator("a[href='/users']").count() == 0
    assert page.context.request.get(page.url.replace("/profile", "/users")).status == 403


@pytest.mark.parametrize("lang", ["en", "es", "fr"])
@pytest.mark.parametrize("path", ["/users", "/profile"])
def test_pages_are_whole_in_every_language_and_on_a_phone(visit: Any, path: str, lang: str) -> None:
    page = visit(path, lang=lang, viewport={"width": 390, "height": 800})
    page.wait_for_selector("[data-session]")
    assert "users." not in page.inner_text("main")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_ones_own_password(visit: Any) -> None:
    page = visit("/profile", user="viewer")
    page.wait_for_selector("[data-session]")
    for old, new, again, said in (
        (PASSWORD, "another good password", "something else here", "differ"),
        ("not the password", "another good password", "another good password", "present password is wrong"),
    ):
        for name, value in (("old", old), ("new", new), ("again", again)):
            page.fill(f"#password-{name}", value)
        page.click("#password-form button")
        page.get_by_text(said).wait_for()
    page.fill("#password-old", PASSWORD)
    page.click("#password-form button")
    page.get_by_text("Password changed").wait_for()
    visit.forgive("403")


def test_a_wall_display_shows_and_cannot_write(visit: Any, node: Any) -> None:
    page = visit("/users")
    page.click("#add-kiosks")
    page.fill("#kiosk-name", "wall")
    page.click("#dialog-send")
    link = page.inner_text("#secret")
    page.click("dialog .button-main")
    page.wait_for_selector("[data-kiosk=wall]")

    display = visit(link.removeprefix(node.ready.url), user=None)
    display.wait_for_selector("#link-state[data-state=live]")
    assert display.inner_text("#kiosk") == "Kiosk, read only"
    display.click(".menu > summary")
    assert display.locator("a[href='/profile'], a[href='/users'], form[action='/sign-out']").count() == 0
    assert display.get_attribute("html", "data-may-write") == "false"

    page.get_by_role("button", name="Revoke: wall").click()
    page.click("#dialog-send")
    display.wait_for_url("**/sign-in?next=**")
    visit.forgive("401")


def test_who_was_recovered_at_the_console_chooses_a_password_and_administrators_are_told(visit: Any, node: Any) -> None:
    accounts = node.accounts
    node.run(accounts.add_user("carl", PASSWORD, ["viewer"], by="test"))
    password = node.run(accounts.recover("carl", by="console"))
    his = visit("/sign-in", user=None)
    his.fill("#user", "carl")
    his.fill("#password", password)
    his.click("button[type=submit]")
    his.wait_for_selector("#password-once")
    his.wait_for_selector("[data-session]")
    his.fill("#password-old", password)
    for name in ("new", "again"):
        his.fill(f"#password-{name}", f"{PASSWORD} too")
    his.click("#password-form button")
    his.get_by_text("Password changed.").wait_for()

    page = visit("/users")
    page.get_by_text("carl was recovered at the machine's console").wait_for()
    assert "recovered at the console" in page.inner_text("[data-user=carl]")
    visit.forgive("403")
