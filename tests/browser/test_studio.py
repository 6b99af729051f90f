"""The Studio in a browser: a picture is dropped and found, faces are added up, a table is taken along."""

import numpy as np
from PIL import Image

from dcgan.checkpoints import load_generator
from dcgan.gallery import from_file
from dcgan.sampling import faces
from support.page import choose, download, open_tab, picture, shown_in, wait_for_faces, wait_until_quiet


def open_studio(page):
    wait_for_faces(page, 16)
    open_tab(page, "studio")


def test_a_picture_is_dropped_its_nearest_face_found_and_shown_large_and_a_file_that_is_no_picture_gets_a_sentence(
    open_page, tiny_page, trained_run, screenshot, tmp_path
):
    [face] = faces(load_generator(trained_run), [5_000_000])
    Image.fromarray(face).save(tmp_path / "me.png")
    page = open_page(url=tiny_page.url)
    open_studio(page)
    page.locator("#find-picture input[type=file]").set_input_files(tmp_path / "me.png")
    page.locator("#find-pair", has_text="grey levels").wait_for(timeout=90_000)
    page.locator("#find-stop").wait_for(state="hidden")
    assert page.locator("#find-pair img").count() == 2
    screenshot(page, "studio")
    page.locator("#take-found").click()
    page.locator("#face-title", has_text="Face z.").wait_for()
    page.wait_for_function("document.querySelector('#face img')?.alt.startsWith('The face z.')")
    large = picture(page, page.locator("#face img").get_attribute("src"))
    step = len(large) // 24
    assert np.abs(large[step // 2 :: step, step // 2 :: step].astype(int) - face).mean() < 8
    open_studio(page)
    (tmp_path / "notes.png").write_bytes(b"Dear all,")
    page.locator("#find-picture input[type=file]").set_input_files(tmp_path / "notes.png")
    page.locator("#find-message", has_text="no picture that can be read").wait_for()


PASTE = """async () => {
  const data = new DataTransfer();
  data.items.add(new File(['Dear all,'], 'notes.txt', { type: 'text/plain' }));
  document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def tell_ten_pairs_apart(page):
    """Play the game to its end; gives how many were told right."""
    page.locator("#play-game").click()
    pair, told = page.locator("#game .pair button"), page.locator("#game .told")
    right = 0
    for place in range(10):
        page.wait_for_function(
            "place => document.querySelector('#game .told')?.innerText.startsWith(`Pair ${place} `)", arg=place + 1
        )
        assert not np.array_equal(*(shown_in(page, f"#game canvas >> nth={side}") for side in (0, 1)))
        pair.nth(place % 2).press("Enter")
        right += told.inner_text().startswith("Right!")
        assert sorted(pair.all_inner_texts())[-1].startswith(("✓ ", "✗ ", "real"))
        page.keyboard.press("Enter")
    assert told.inner_text() == f"You told {right} of 10. Your best: {right}."
    assert page.evaluate("localStorage.getItem('dcgan-real-or-made')") == f'{{"micah-96":{right}}}'
    return right


def share_the_score(page, right):
    challenge = f"I told {right} of 10 real drawings from those of a neural network. Can you?"
    page.locator("#game .share").click()
    page.locator("#game .share.done").wait_for()
    address = page.url.partition("?")[0]
    assert page.evaluate("navigator.clipboard.readText()") == f"{challenge} {address}"
    page.context.new_cdp_session(page).send("Emulation.setTouchEmulationEnabled", {"enabled": True})  # a phone's sheet
    page.evaluate("() => { navigator.share = (told) => Promise.reject(window.shared = told); }")  # which is closed
    page.locator("#game .share").click()
    assert page.evaluate("shared") == {"text": challenge, "url": address}


def add_faces_up(page):
    page.locator("#at-hand-a").click()
    page.wait_for_function("document.querySelector('#term-a textarea, #term-a input').value == '0'")
    page.locator("#add-up").click()
    page.locator("#sum-faces figure").nth(3).wait_for()
    page.locator("#take-sum").click()
    page.locator("#face-title", has_text="Face 0-42+99").wait_for()


def mix_faces_in_a_table(page, screenshot, folder):
    page.locator("#make-table").click()
    page.locator("#table img").wait_for()
    screenshot(page, "studio-table")
    assert from_file(download(page, "#table-download", folder)).seeds == (1, 2, 3, 4)
    page.locator("#table-faces textarea, #table-faces input").fill("1 2 3 4 5 6")
    page.locator("#make-table").click()
    page.locator("#table-message", has_text="takes 1 to 5 faces; these are 6").wait_for()


def stop_a_search(page, folder):
    Image.new("RGB", (96, 96), "orange").save(folder / "orange.png")
    page.locator("#find-picture input[type=file]").set_input_files(folder / "orange.png")
    page.locator("#find-pair", has_text="Looking").wait_for()
    page.locator("#find-stop").click()
    page.locator("#find-stop").wait_for(state="hidden")
    page.wait_for_function("!document.querySelector('#find-pair').innerText.includes('Looking')")
    told = page.locator("#find-pair").inner_text()
    assert "grey levels on average" in told
    wait_until_quiet(page)
    assert page.locator("#find-pair").inner_text() == told


def test_a_search_is_stopped_ten_pairs_are_told_apart_and_faces_added_up_and_mixed_in_a_table(
    open_page, screenshot, tmp_path
):
    page = open_page("?seed=0&checkpoint=micah-96")
    open_studio(page)
    stop_a_search(page, tmp_path)
    page.evaluate(PASTE)
    page.locator("#find-message", has_text="no picture that can be read").wait_for()
    right = tell_ten_pairs_apart(page)
    share_the_score(page, right)
    page.locator("#judge").click()
    page.locator("#judged figure").nth(1).wait_for()
    assert "Micah Lanier" in page.locator("#game-credit").inner_text()
    screenshot(page, "studio-game")
    choose(page, "portraits-96")
    page.locator("#game").wait_for(state="hidden")
    assert page.locator("#judged figure").count() == 0

    add_faces_up(page)
    open_studio(page)
    mix_faces_in_a_table(page, screenshot, tmp_path)
