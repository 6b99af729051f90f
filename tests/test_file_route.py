"""The route for files: what the page made for visitors, and nothing else of the machine."""

from pathlib import Path
from urllib.parse import quote

import httpx2
import pytest
from PIL import Image

from dcgan.limits import MAX_UPLOAD_BYTES
from support.odd_inputs import API, Asker
from support.served import Served


@pytest.fixture(scope="module")
def page(tiny_page) -> Served:
    return tiny_page


@pytest.fixture(scope="module")
def secret(page) -> Path:
    """A picture in the temporary folder that the page had no part in."""
    path = page.folder / "secret.png"
    Image.new("RGB", (1, 1)).save(path)
    return path


def raw_get(page: Served, target: str) -> tuple[int, bytes]:
    """Ask for a path just as it is written, which a client would tidy up."""
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    try:
        connection.putrequest("GET", target, skip_accept_encoding=True)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def spelled(path: str) -> list[str]:
    """The ways in which a path can be written in an address."""
    escaped = "".join(f"%{ord(letter):02x}" for letter in path)
    return [
        quote(path), path.replace("/", "//"), f"/tmp/..{quote(path)}", f"..{quote(path)}", escaped, quote(quote(path)),
        quote(path).replace("/", "%2f"), f"{quote(path)}?x=/tmp", f"/.{quote(path)}", f"{quote(path)}%00.png",
        f"file://{quote(path)}", f"FILE:{quote(path)}", path.replace("/", "\\").replace("\\", "%5c"),
    ]  # fmt: skip


def made(page: Served) -> str:
    """Have a face drawn; gives the address of its PNG."""
    asker = Asker(page)
    with asker.client:
        [avatar] = [each for each in asker.endpoints() if each.name == "avatar"]
        said = asker.join(avatar, [7, "", 1, ""])
    return said.split('"url":"')[1].split('"')[0]


def test_what_the_page_made_is_served(page):
    answer = httpx2.get(made(page))
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(b"\x89PNG")


@pytest.mark.parametrize("route", ["file=", "file/", "file", "static/", "assets/", "svelte/", "custom_component/"])
def test_nothing_of_the_machine_is_served(route, page, secret, trained_run):
    hidden = [
        Path("/etc/passwd"), secret, page.folder / "log", trained_run / "config.json", Path("app.py").resolve(),
        trained_run / "model.safetensors", Path("/proc/self/environ"), Path.cwd(), page.folder,
    ]  # fmt: skip
    contents = [path.read_bytes()[:40] for path in hidden if path.is_file()]
    for path in hidden:
        for way in spelled(str(path)):
            for prefix in (f"/{API}/", "/"):
                status, content = raw_get(page, f"{prefix}{route}{way}")
                assert status >= 300, (route, way, content[:100])
                assert not any(secret and secret in content for secret in contents)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/x", "https://example.org/", "http:/127.0.0.1", "ftp://x/y"])
def test_nothing_of_other_machines_is_served(address, page):
    for way in (address, quote(address, safe=""), address.upper()):
        status, content = raw_get(page, f"/{API}/file={way}")
        assert status in (400, 403), content


def test_a_files_address_that_is_changed_serves_no_neighbour(page):
    address = made(page).removeprefix(page.url.rstrip("/"))
    folder = address.rpartition("/")[0]
    for target in (folder, f"{folder}/", f"{folder}/..", f"{folder}/../../../log", f"{address}/../../../../log"):
        assert raw_get(page, target)[0] >= 400


def test_a_value_that_names_a_file_of_the_machine_is_refused(page, trained_run):
    asker = Asker(page)
    with asker.client:
        [*_, opens_files] = [each for each in asker.endpoints() if each.event == "upload"]
        for path in ("/etc/passwd", str(trained_run / "config.json"), "../../etc/passwd", str(page.folder / "log")):
            file = {"path": path, "meta": {"_type": "gradio.FileData"}}
            assert '"success":false' in asker.join(opens_files, [file, []])


@pytest.mark.parametrize("name", ["a.html", "a.svg", "a.xhtml", "a.xml", "a.js", "a.pdf", "a", "a.png.html", "a.png"])
def test_what_somebody_uploads_runs_in_nobodys_browser(name, page):
    polyglot = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    [path] = httpx2.post(f"{page.url}{API}/upload", files={"files": (name, polyglot)}).json()
    answer = httpx2.get(f"{page.url}{API}/file={path}")
    assert answer.content == polyglot
    if not answer.headers["content-disposition"].startswith("attachment"):
        assert (name, answer.headers["content-type"]) == ("a.png", "image/png")


def test_of_an_upload_no_file_is_kept_that_the_answer_does_not_name(page):
    def files() -> set[Path]:
        return {*page.folder.rglob("*")}

    before = files()
    other = [("other", ("a.png", b"x")), ("other", ("b.png", b"y"))]
    assert httpx2.post(f"{page.url}{API}/upload", files=other).json() == []
    assert files() == before
    [kept] = httpx2.post(f"{page.url}{API}/upload", files=[*other, ("files", ("c.png", b"z"))]).json()
    assert files() - before == {Path(kept), Path(kept).parent}


def test_an_upload_may_be_as_large_as_the_limit_and_no_larger(page):
    with httpx2.Client(base_url=page.url, timeout=60) as client:
        assert (
            client.post(f"{API}/upload", files={"files": ("a.png", b"\0" * (MAX_UPLOAD_BYTES + 1))}).status_code == 413
        )
        answer = client.post(f"{API}/upload", files={"files": ("a.png", b"\0" * MAX_UPLOAD_BYTES)})
        assert answer.status_code == 200
        assert client.get(f"{API}/file={answer.json()[0]}").headers["content-disposition"].startswith(("inline", "att"))
    assert "Traceback" not in page.log
