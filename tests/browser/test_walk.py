"""The walk, which is there when a visitor comes."""

from PIL import Image

from dcgan.gallery import from_file
from support.page import (
    LAPTOP,
    PHONE,
    assert_moves,
    captions,
    copied,
    download,
    hold_back,
    keyframes,
    let_go,
    make_walk,
    open_tab,
    open_walk,
    pick,
    wait_for_faces,
    wait_for_keyframes,
    wait_for_walk,
    wait_until_quiet,
)

IN_SIGHT = """(id) => {
  const { top, bottom } = document.getElementById(id).getBoundingClientRect();
  return top >= -1 && bottom <= innerHeight + 1;
}"""

NOTE_FILMS = """window.films = [];
const note = () => films.push(...[...document.querySelectorAll('#walk-video video')].map((one) => one.ariaLabel));
new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true })"""


def wait_for_walk_through(page, *seeds):
    page.locator(f"#walk img[alt$='of seeds {', '.join(seeds)}']").wait_for()


def test_a_walk_plays_at_once_on_one_screen_and_is_drawn_anew_with_its_faces(open_page, screenshot, tmp_path):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    address = page.url
    open_walk(page, "0", "1", "2")
    assert_moves(page, "#walk img")
    assert page.evaluate("document.documentElement.scrollHeight") == 720
    for control in ("keyframes", "make-walk", "walk", "walk-download", "copy-walk-link"):
        assert page.evaluate(IN_SIGHT, control), control
    assert page.url == address, "looking at a tab is no step that Back would undo"
    screenshot(page, "walk-laptop")

    page.locator("#keyframes [data-do=right]").first.click()
    wait_for_walk_through(page, "1", "0", "2")
    page.locator("#new-seed input").fill("42")
    page.keyboard.press("Enter")
    wait_for_walk_through(page, "1", "0", "2", "42")
    page.wait_for_function("location.search.includes('seeds=1,0,2,42')")
    assert "seeds=1,0,2,42" in copied(page, "#copy-walk-link")
    assert download(page, "#walk-download", tmp_path).name == "portraits-96_seed-1-0-2-42_48f.gif"
    page.locator("#new-seed input").fill("-1")
    page.locator("#add").click()
    page.locator("#walk-faces-message", has_text="The seed is -1").wait_for()
    page.go_back()
    wait_for_walk_through(page, "1", "0", "2")


def test_five_presses_lead_from_the_first_look_to_a_saved_gif_of_three_chosen_faces(open_page, screenshot, tmp_path):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    page.evaluate("window.presses = 0; addEventListener('pointerdown', () => presses++, true)")
    for face in (2, 9, 14):
        page.locator("#gallery li").nth(face).hover()
        page.locator("#gallery .add").nth(face).click()
        page.locator(f"#gallery .add[data-index='{face}'][aria-pressed=true]").wait_for()
    assert page.locator("#use-as-keyframe").get_attribute("data-count") == "3"
    screenshot(page, "added-to-walk")
    open_tab(page, "walk")
    wait_for_walk_through(page, "2", "9", "14")
    path = download(page, "#walk-download", tmp_path)
    assert page.evaluate("presses") == 5
    assert from_file(path).seeds == (2, 9, 14)
    with Image.open(path) as gif:
        assert (gif.format, gif.n_frames) == ("GIF", 48)


def centre(page, locator):
    box = page.locator(locator).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(page, source, x, y):
    page.mouse.move(*centre(page, source))
    page.mouse.down()
    for share in (0.3, 0.7, 1):
        a, b = centre(page, source) if share == 0.3 else (x, y)
        page.mouse.move(a + (x - a) * share, b + (y - b) * share)
    page.mouse.up()


def finger(page):
    """Gives what puts a finger down, moves it and lifts it, as the screen of a phone would tell."""
    screen = page.context.new_cdp_session(page)

    def act(kind, *place):
        points = [dict(zip("xy", place, strict=True))] if place else []
        screen.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    return act


def slide(page, source, target):
    act = finger(page)
    act("touchStart", *source)
    act("touchMove", *target)
    act("touchEnd")


def drag_by_finger(page, source, target):
    """Rest on a face until it is taken, and then move."""
    act, (x, y) = finger(page), target
    act("touchStart", *source)
    page.locator("#keyframes .dragged").wait_for()
    act("touchMove", (source[0] + x) / 2, (source[1] + y) / 2)
    act("touchMove", x, y)
    act("touchEnd")


def test_faces_are_dragged_into_a_walk_to_another_place_in_it_and_out(open_page, tiny_page, screenshot):
    page = open_page(url=tiny_page.url, **LAPTOP)
    wait_for_faces(page, 16)
    for face in (1, 2, 3):
        page.locator("#gallery .face").nth(face).drag_to(page.locator("[role=tab][data-tab-id=walk]"))
        page.locator(f"#gallery .add[data-index='{face}'][aria-pressed=true]").wait_for()
    page.locator("#gallery .add").nth(2).click()
    page.locator("#gallery .add[data-index='2'][aria-pressed=false]").wait_for()
    page.locator("#gallery .add").nth(2).click()
    open_tab(page, "walk")
    wait_for_keyframes(page, "1", "3", "2")
    drag(page, "#keyframes li:nth-child(3) .face", *centre(page, "#keyframes li:nth-child(1) .face"))
    wait_for_keyframes(page, "2", "1", "3")
    wait_for_walk_through(page, "2", "1", "3")
    x, y = centre(page, "#keyframes li:nth-child(2) .face")
    drag(page, "#keyframes li:nth-child(2) .face", x, y + 260)
    wait_for_keyframes(page, "2", "3")
    assert page.get_by_role("tab", selected=True).get_attribute("data-count") == "2"
    page.locator("#keyframes li:nth-child(2) .face").click()
    page.locator("#face-title", has_text="Seed 3").wait_for()


def test_a_walk_that_nobody_chose_goes_through_the_faces_of_the_gallery(open_page, tiny_page):
    page = open_page(url=tiny_page.url, **LAPTOP)
    wait_for_faces(page, 16)
    open_walk(page, "0", "1", "2")
    open_tab(page, "generate")
    page.locator("#generate").click()
    page.wait_for_function("document.querySelector('#gallery .face').dataset.face != '0'")
    wait_for_faces(page, 16)
    first = captions(page)[:3]
    open_tab(page, "walk")
    wait_for_walk_through(page, *first)
    assert keyframes(page) == first
    open_tab(page, "generate")
    chosen = [pick(page, place) for place in (4, 5) if page.locator("#gallery").is_visible()]
    page.locator("#use-as-keyframe").click()
    page.get_by_text(f"Face {chosen[1]} is in the walk, which now has 1").wait_for()
    pick(page, 4)
    page.locator("#use-as-keyframe").click()
    page.get_by_text("which now has 2").wait_for()
    open_tab(page, "walk")
    wait_for_walk_through(page, chosen[1], chosen[0])


def test_what_is_asked_for_is_never_replaced_by_what_comes_late(open_page, tiny_page):
    page = open_page(url=tiny_page.url, **LAPTOP)
    wait_for_faces(page, 16)
    wait_until_quiet(page)
    held = hold_back(page, 2)  # of its faces, and of its walk
    open_tab(page, "walk")
    wait_for_keyframes(page, "0", "1", "2")
    page.locator("#format").get_by_label("MP4").check()
    page.locator("#make-walk").click()
    page.locator("#walk-video video").wait_for()
    let_go(page, held)
    wait_until_quiet(page)
    assert page.locator("#walk-video video").is_visible()

    page.evaluate(NOTE_FILMS)
    held = hold_back(page, 2)  # of a face, and of the walk through it as well
    page.locator("#add").click()
    wait_for_keyframes(page, "0", "1", "2", "99")
    page.locator("#keyframes [data-do=remove]").nth(3).click()
    wait_for_keyframes(page, "0", "1", "2")
    let_go(page, held)
    wait_until_quiet(page)
    assert {*page.evaluate("films")} == {"tiny_seed-0-1-2_48f"}

    held = hold_back(page, 1)  # of another face; the strip that it was asked with has changed when it comes
    page.locator("#add").click()
    page.locator("#keyframes [data-do=remove]").first.click()
    page.locator("#keyframes [data-do=left]").last.click()
    wait_for_keyframes(page, "2", "1")
    let_go(page, held)
    page.locator("#walk-video video[aria-label*='seed-2-1-99']").wait_for()
    assert keyframes(page) == ["2", "1", "99"]


def test_on_a_phone_the_page_goes_to_the_walk_once_it_is_drawn(open_page, screenshot):
    page = open_page("?kind=walk&seeds=3,4&__theme=dark", locale="zh-CN", **PHONE)
    wait_for_walk(page)
    assert page.evaluate(IN_SIGHT, "make-walk")
    fourth = centre(page, "#keyframes li:nth-child(2) .face")
    slide(page, fourth, centre(page, "#keyframes li:nth-child(1) .face"))  # which would scroll
    drag_by_finger(page, fourth, centre(page, "#keyframes li:nth-child(1) .face"))
    wait_for_keyframes(page, "4", "3")
    x, y = centre(page, "#keyframes li:nth-child(1) .face")
    page.locator("#add").tap()
    wait_for_keyframes(page, "4", "3", "99")
    drag_by_finger(page, (x, y), (x, y + 260))
    wait_for_keyframes(page, "3", "99")
    page.locator("#walk img[alt*=' 3, 99 ']").wait_for()
    page.locator("#walk-more button").first.tap()
    page.locator("#mode").get_by_text("单程").tap()
    below = page.evaluate("scrollY")
    assert below > 100
    page.evaluate(
        "window.wentUp = []; addEventListener('scroll', () => wentUp.push(document.querySelector('#walk img')?.src))"
    )
    before = page.locator("#walk img").get_attribute("src")
    after = make_walk(page)
    page.wait_for_function("Math.abs(document.getElementById('walk-result').getBoundingClientRect().top) < 60")
    assert after != before
    assert before not in page.evaluate("wentUp")
    screenshot(page, "walk-phone-dark")
