"""The walk, which is there when a visitor comes."""

import av
from PIL import Image

from dcgan.gallery import from_file
from support.page import (
    LAPTOP,
    PHONE,
    assert_moves,
    captions,
    copied,
    download,
    draw_others,
    drop,
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

QUIET = "(({ muted, playsInline }) => muted && playsInline)(document.querySelector('#walk-video video'))"
FILM_OF_A_GRID = """() => {
  const film = document.querySelector('#walk-video video');
  return film?.readyState >= 2 && film.ariaLabel == 'tiny_grid-9_seed-2-1-99_48f';
}"""
NOTE_FILMS = """window.films = [];
const note = () => films.push(...[...document.querySelectorAll('#walk-video video')].map((one) => one.ariaLabel));
new MutationObserver(note).observe(document.body, { subtree: true, childList: true, attributes: true })"""


def wait_for_walk_through(page, *seeds):
    page.locator(f"#walk img[alt$='of seeds {', '.join(seeds)}']").wait_for()


def choose_by_five_presses(page, screenshot, folder):
    """Choose three faces on the first tab and save the walk through them; it has become theirs by itself."""
    page.evaluate("window.presses = 0; addEventListener('pointerdown', () => presses++, true)")
    for face in (2, 9, 14):
        page.locator("#gallery li").nth(face).hover()
        page.locator("#gallery .add").nth(face).click()
        page.locator(f"#gallery .add[data-index='{face}'][aria-pressed=true]").wait_for()
    assert page.locator("#use-as-keyframe").get_attribute("data-count") == "3"
    screenshot(page, "added-to-walk")
    open_tab(page, "walk")
    wait_for_walk_through(page, "2", "9", "14")
    path = download(page, "#walk-download", folder)
    assert page.evaluate("presses") == 5
    return path


def assert_plays_on_one_screen(page):
    assert_moves(page, "#walk img")
    assert page.evaluate("document.documentElement.scrollHeight") == 720
    for control in ("keyframes", "make-walk", "walk", "walk-download", "copy-walk-link"):
        assert page.evaluate(IN_SIGHT, control), control


def assert_is_drawn_anew_with_its_faces(page, folder):
    page.locator("#keyframes [data-do=right]").first.click()
    wait_for_walk_through(page, "9", "2", "14")
    page.locator("#new-seed input").fill("42")
    page.keyboard.press("Enter")
    wait_for_walk_through(page, "9", "2", "14", "42")
    page.wait_for_function("location.search.includes('seeds=9,2,14,42')")
    assert "seeds=9,2,14,42" in copied(page, "#copy-walk-link")
    assert download(page, "#walk-download", folder).name == "portraits-96_seed-9-2-14-42_48f.gif"
    page.locator("#new-seed input").fill("-1")
    page.locator("#add").click()
    page.locator("#walk-faces-message", has_text="The seed is -1").wait_for()
    page.go_back()
    wait_for_walk_through(page, "9", "2", "14")


def test_a_walk_of_chosen_faces_is_saved_by_five_presses_plays_on_one_screen_and_is_drawn_anew_with_its_faces(
    open_page, screenshot, tmp_path
):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    path = choose_by_five_presses(page, screenshot, tmp_path)
    assert from_file(path).seeds == (2, 9, 14)
    assert path.name == "portraits-96_seed-2-9-14_48f.gif"
    with Image.open(path) as gif:
        assert (gif.format, gif.n_frames, gif.size, gif.info["loop"]) == ("GIF", 48, (384, 384), 0)
    assert page.locator("#walk-facts").inner_text().startswith("48 frames, 2.4 s, 384 px, ")
    assert_plays_on_one_screen(page)
    screenshot(page, "walk-laptop")
    assert_is_drawn_anew_with_its_faces(page, tmp_path)


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


def follow_the_gallery(page):
    """See that the walk goes through the faces of the gallery until some are chosen; gives the two that are."""
    address = page.url
    open_walk(page, "0", "1", "2")
    assert_moves(page, "#walk img")
    assert page.url == address, "looking at a tab is no step that Back would undo"
    open_tab(page, "generate")
    draw_others(page)
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
    open_tab(page, "generate")
    return chosen[1], chosen[0]


def drag_from_the_gallery(page):
    """Drag three faces onto the tab of the walk, and take the second out and in again."""
    for face in (1, 2, 3):
        page.locator("#gallery .face").nth(face).drag_to(page.locator("[role=tab][data-tab-id=walk]"))
        page.locator(f"#gallery .add[data-index='{face}'][aria-pressed=true]").wait_for()
    page.locator("#gallery .add").nth(2).click()
    page.locator("#gallery .add[data-index='2'][aria-pressed=false]").wait_for()
    page.locator("#gallery .add").nth(2).click()


def assert_keyframes_are_typed_removed_drawn_and_looked_at(page, *seeds):
    first, _, *others = seeds
    page.locator("#new-seed input").fill("7")
    page.locator("#add").click()
    wait_for_keyframes(page, *seeds, "7")
    page.locator("#keyframes [data-do=remove]").nth(1).click()
    wait_for_keyframes(page, first, *others, "7")
    page.locator("#add-random").click()
    page.wait_for_function("count => document.querySelectorAll('#keyframes li').length == count", arg=1 + len(seeds))
    page.locator("#keyframes [data-do=remove]").nth(len(seeds)).click()
    wait_for_keyframes(page, first, *others, "7")
    page.locator("#keyframes [data-do=pick]").nth(1).click()
    page.wait_for_function("document.querySelector('#face img').checkVisibility()")
    page.locator("#face-title", has_text=f"Seed {others[0]}").wait_for()
    open_tab(page, "walk")
    wait_for_walk_through(page, first, *others, "7")


def test_a_walk_goes_through_the_gallery_until_faces_are_chosen_and_dragged_into_it_to_another_place_and_out(
    open_page, tiny_page
):
    page = open_page(url=tiny_page.url, **LAPTOP)
    wait_for_faces(page, 16)
    chosen = follow_the_gallery(page)
    first, second, third = captions(page)[1:4]
    drag_from_the_gallery(page)
    open_tab(page, "walk")
    wait_for_keyframes(page, *chosen, first, third, second)
    drag(page, "#keyframes li:nth-child(5) .face", *centre(page, "#keyframes li:nth-child(1) .face"))
    wait_for_keyframes(page, second, *chosen, first, third)
    wait_for_walk_through(page, second, *chosen, first, third)
    x, y = centre(page, "#keyframes li:nth-child(2) .face")
    drag(page, "#keyframes li:nth-child(2) .face", x, y + 260)
    wait_for_keyframes(page, second, chosen[1], first, third)
    assert page.get_by_role("tab", selected=True).get_attribute("data-count") == "4"
    assert_keyframes_are_typed_removed_drawn_and_looked_at(page, second, chosen[1], first, third)


def assert_a_late_walk_replaces_no_film(page):
    held = hold_back(page, 2)  # of its faces, and of its walk
    open_tab(page, "walk")
    wait_for_keyframes(page, "0", "1", "2")
    page.locator("#format").get_by_label("MP4").check()
    page.locator("#make-walk").click()
    page.locator("#walk-video video").wait_for()
    let_go(page, held)
    wait_until_quiet(page)
    assert page.locator("#walk-video video").is_visible()


def assert_a_face_that_is_gone_when_its_walk_comes_is_in_no_film(page):
    page.evaluate(NOTE_FILMS)
    held = hold_back(page, 2)  # of a face, and of the walk through it as well
    page.locator("#add").click()
    wait_for_keyframes(page, "0", "1", "2", "99")
    page.locator("#keyframes [data-do=remove]").nth(3).click()
    wait_for_keyframes(page, "0", "1", "2")
    let_go(page, held)
    wait_until_quiet(page)
    assert {*page.evaluate("films")} == {"tiny_seed-0-1-2_48f"}


def assert_a_late_face_joins_the_strip_as_it_is_by_then(page):
    held = hold_back(page, 1)  # of another face; the strip that it was asked with has changed when it comes
    page.locator("#add").click()
    page.locator("#keyframes [data-do=remove]").first.click()
    page.locator("#keyframes [data-do=left]").last.click()
    wait_for_keyframes(page, "2", "1")
    let_go(page, held)
    page.locator("#walk-video video[aria-label*='seed-2-1-99']").wait_for()
    assert keyframes(page) == ["2", "1", "99"]


def assert_is_without_a_sound(page):
    page.wait_for_function(QUIET)  # Gradio sets some of it after the film is there
    page.wait_for_timeout(1000)
    assert page.evaluate(QUIET)


def test_a_film_a_grid_and_a_limit_can_be_chosen_and_nothing_that_comes_late_replaces_them(
    open_page, tiny_page, screenshot, tmp_path
):
    page = open_page(url=tiny_page.url, **LAPTOP)
    wait_for_faces(page, 16)
    wait_until_quiet(page)
    assert_a_late_walk_replaces_no_film(page)
    assert_is_without_a_sound(page)
    assert_a_face_that_is_gone_when_its_walk_comes_is_in_no_film(page)
    assert_a_late_face_joins_the_strip_as_it_is_by_then(page)

    page.locator("#walk-more button").first.click()
    page.locator("#grid").get_by_label("9").check()
    page.locator("#size").get_by_label("768").check()
    page.locator("#limit").get_by_label("2 MB").check()
    page.locator("#make-walk").click()
    page.wait_for_function(FILM_OF_A_GRID)
    path = download(page, "#walk-download", tmp_path)
    with av.open(path) as film:
        assert sum(1 for _ in film.decode(video=0)) == 48
    page.locator("#format").get_by_label("GIF").check()
    make_walk(page)
    assert "To fit: " in page.locator("#walk-facts").inner_text()
    screenshot(page, "walk-grid")
    path = download(page, "#walk-download", tmp_path)
    assert path.name == "tiny_grid-9_seed-2-1-99_48f.gif"
    assert path.stat().st_size <= 2_000_000


def assert_back_leads_to_faces_and_again_to_the_walk(page):
    page.locator("#use-as-keyframe").tap()
    open_tab(page, "walk")
    wait_for_keyframes(page, "5")
    page.locator("#add").tap()
    wait_for_keyframes(page, "5", "99")
    page.wait_for_function("location.search.includes('kind=walk')")
    page.go_back()
    page.locator("#gallery").wait_for()
    wait_for_faces(page, 4)
    open_tab(page, "walk")
    wait_for_keyframes(page, "5", "99")
    page.go_forward()
    page.wait_for_function("location.search.includes('kind=walk')")
    assert "__theme=dark" in page.url
    page.locator("#walk img").wait_for()


def assert_fingers_move_and_remove_faces(page):
    fourth = centre(page, "#keyframes li:nth-child(2) .face")
    slide(page, fourth, centre(page, "#keyframes li:nth-child(1) .face"))  # which would scroll
    drag_by_finger(page, fourth, centre(page, "#keyframes li:nth-child(1) .face"))
    wait_for_keyframes(page, "99", "5")
    x, y = centre(page, "#keyframes li:nth-child(1) .face")
    page.locator("#add").tap()
    wait_for_keyframes(page, "99", "5", "99")
    drag_by_finger(page, (x, y), (x, y + 260))
    wait_for_keyframes(page, "5", "99")
    page.locator("#walk img[alt*=' 5, 99 ']").wait_for()


def assert_what_is_saved_is_opened_again(page, folder):
    path = download(page, "#walk-download", folder)
    page.locator("#keyframes [data-do=remove]").last.tap()
    wait_for_keyframes(page, "5")
    drop(page, path.name, path.read_bytes())
    wait_for_keyframes(page, "5", "99")
    page.locator("#walk img[alt*=' 5, 99']").wait_for()


def test_on_a_phone_back_leads_to_the_walk_the_page_goes_to_it_once_it_is_drawn_and_what_is_saved_is_opened_again(
    open_page, tiny_page, screenshot, tmp_path
):
    page = open_page("?seed=5&count=4&__theme=dark", url=tiny_page.url, locale="zh-CN", **PHONE)
    wait_for_faces(page, 4)
    assert_back_leads_to_faces_and_again_to_the_walk(page)
    wait_for_walk(page)
    assert page.evaluate(IN_SIGHT, "make-walk")
    assert_fingers_move_and_remove_faces(page)
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
    linked = open_page("?kind=walk&seeds=5,99&__theme=dark", url=tiny_page.url, locale="zh-CN", **PHONE)
    wait_for_walk(linked)
    assert linked.evaluate(IN_SIGHT, "make-walk")
    assert_what_is_saved_is_opened_again(page, tmp_path)
