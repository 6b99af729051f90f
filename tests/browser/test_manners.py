"""Small things that a visitor, or whoever gets a link, takes for granted."""

from support.page import LAPTOP, open_tab, wait_for_faces, wait_for_keyframes

FILM = """() => {
  const film = document.querySelector('#walk-video video');
  return film?.readyState >= 2 && { muted: film.muted, inline: film.playsInline, paused: film.paused };
}"""
QUIET = "(({ muted, playsInline }) => muted && playsInline)(document.querySelector('#walk-video video'))"
HEADINGS = """() => [...document.querySelectorAll('h1, h2, h3, h4')].filter((e) => e.checkVisibility())
  .map((e) => Number(e.tagName[1]))"""


def film_of_a_walk(page):
    open_tab(page, "walk")
    wait_for_keyframes(page, "0", "1", "2")
    page.locator("#format").get_by_label("MP4").check()
    page.locator("#make-walk").click()
    return page.wait_for_function(FILM).json_value()


def test_the_page_and_its_link_are_ours_and_a_film_plays_without_a_sound(open_page):
    page = open_page(**LAPTOP)
    wait_for_faces(page, 16)
    assert page.title() == "Faces by a DCGAN"
    assert page.locator('meta[property="og:title"]').get_attribute("content") == "Faces by a DCGAN"
    card = page.locator('meta[property="og:image"]').get_attribute("content")
    assert page.request.get(card).headers["content-type"] == "image/png"
    assert page.request.get(page.url + "favicon.ico").headers["content-type"] == "image/svg+xml"
    assert page.evaluate(HEADINGS) == [1, 2]
    open_tab(page, "training")
    page.locator("#film h3").wait_for()
    assert page.evaluate(HEADINGS) == [1, 2, 3, 3, 3, 2]
    film_of_a_walk(page)
    page.wait_for_function(QUIET)  # Gradio sets some of it after the film is there
    page.wait_for_timeout(1000)
    assert page.evaluate(QUIET)


def test_nothing_moves_by_itself_for_who_wants_it_calm(open_page):
    page = open_page(reduced_motion="reduce", **LAPTOP)
    wait_for_faces(page, 16)
    film = film_of_a_walk(page)
    page.wait_for_timeout(1000)
    assert page.evaluate(FILM)["paused"], film
    page.evaluate("document.querySelector('#walk-video video').play()")
    page.wait_for_function("!document.querySelector('#walk-video video').paused")
