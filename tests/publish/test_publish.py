"""Runs on their way to the Hub and back: train.py and `python -m dcgan.hub` as processes, the Hub with its faults."""

import json
import re
import shutil
import signal
import threading
import time
from math import inf
from pathlib import Path

import pytest
import yaml

import train
from dcgan.avatars import main as avatars_main
from dcgan.checkpoints import load_state, snapshot_names
from dcgan.hub import Patience
from dcgan.hub.__main__ import main as hub_main
from dcgan.hub.client import Refs
from dcgan.publish import Publisher, Pusher
from support import hub_client
from support.hub_client import BOB, CLIENT_SECONDS, READ_ONLY, REPO
from support.hub_faults import trickle
from support.hub_server import HubServer, Repository, cut_upload, hang, lose_reply, status
from support.paths import ADVENTURER
from support.tiny import TINY

THREE = ["--epochs", "3", "--snapshot-epochs", "1,2,3"]
NAMES = ["epoch-0001", "epoch-0002", "epoch-0003"]
LONG_WAITS = "0.5 1 1 1 1 1 1 1 1 20"


@pytest.fixture
def run_train(hub, tmp_path, picture_cache):
    """Runs train.py with what it would say to a user who waits."""

    def run(*arguments: str, out: str = "run", **options):
        options = {"DCGAN_CACHE": str(picture_cache)} | options
        folder = str(tmp_path / out)
        return hub_client.run(hub, tmp_path / "home", "train.py", *arguments, "--output-dir", folder, **options)

    return run


@pytest.fixture
def push(hub, tmp_path):
    """Runs `python -m dcgan.hub push`."""
    return lambda *arguments, **options: hub_client.run(
        hub, tmp_path / "home", "dcgan.hub", "push", *map(str, arguments), **options
    )


def titles(hub: HubServer, branch: str = "main") -> list[str]:
    return [commit.title for commit in reversed(hub.commits(REPO, branch))]


def assert_whole(hub: HubServer, folder: Path, names: list[str] = NAMES) -> None:
    """The history holds each snapshot once, with its tag, and with what the folder has of it."""
    assert titles(hub) == ["initial commit", *names]
    assert hub.tags(REPO) == {commit.title: commit.oid for commit in hub.commits(REPO)[:-1]}
    for name in names:
        kept = folder / "epochs" / name
        for file in ("config.json", "model.safetensors", "discriminator/model.safetensors", "training.json",
                     "metrics.jsonl", "losses.png", f"samples/{name}.png", "samples/latest.png"):  # fmt: skip
            assert hub.read(REPO, name, file) == (kept / file).read_bytes(), (name, file)


# What works


def test_every_snapshot_is_one_commit_and_its_tag_with_all_that_belongs_to_it(run_train, hub, tmp_path):
    done = run_train(*TINY, *THREE, "--push-to-hub", REPO)
    assert done.returncode == 0, done.stderr
    assert_whole(hub, tmp_path / "run")
    assert hub.files(REPO) == [
        ".gitattributes", "README.md", "config.json", "discriminator/config.json", "discriminator/model.safetensors",
        "losses.png", "metrics.jsonl", "model.safetensors", "samples/epoch-0001.png", "samples/epoch-0002.png",
        "samples/epoch-0003.png", "samples/latest.png", "samples/timelapse.gif", "training.json",
    ]  # fmt: skip
    assert [line for line in done.stdout.splitlines() if line.startswith("pushed")] == [
        f"pushed {name} to {REPO}" for name in NAMES
    ]
    assert "state" not in hub.requests[-1][1]


def test_the_card_on_the_hub_has_metadata_and_a_snippet_that_works_as_it_stands(pushed_run, hub, tmp_path):
    card = hub.read(REPO, "main", "README.md").decode()
    metadata = yaml.safe_load(card.split("---")[1])
    assert (metadata["license"], metadata["pipeline_tag"]) == ("cc-by-4.0", "unconditional-image-generation")
    snippet = re.search(r"```python\n(.*?)```", card, re.DOTALL)[1]
    assert f'from_pretrained("{REPO}")' in snippet
    picture = tmp_path / "face.png"
    script = re.sub(r'save\("[^"]+"\)', f"save({str(picture)!r})", snippet)
    hub_client.python(hub, tmp_path / "home", script, token=None)
    assert picture.is_file()
    shown = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", card)
    assert shown
    assert set(shown) <= set(hub.files(REPO))


def test_a_folder_pushed_later_gives_the_same_history_and_a_second_push_nothing(pushed_run, push, hub):
    assert_whole(hub, pushed_run, NAMES[:2])
    again = push(pushed_run, REPO)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == f"{REPO} has everything that is in {pushed_run}\n"
    assert titles(hub) == ["initial commit", *NAMES[:2]]


def test_a_push_goes_on_where_an_earlier_one_stopped(pushed_run, push, hub, tmp_path):
    shutil.rmtree(tmp_path / "hub" / "alice")
    hub.fail("POST", "/commit/", status(503), times=inf)
    hub.rules[-1].times = 0
    hub.fail("POST", "/tag/", status(500), times=inf)
    stopped = push(pushed_run, REPO)
    assert stopped.returncode == 1
    assert "the Hub answers 500" in stopped.stderr
    assert "the same command pushes it" in stopped.stderr
    assert (titles(hub), hub.tags(REPO)) == (["initial commit", "epoch-0001"], {})
    hub.rules.clear()
    assert push(pushed_run, REPO).returncode == 0
    assert_whole(hub, pushed_run, NAMES[:2])


def test_a_slim_bundle_can_be_pushed_and_says_which_run_it_is(push, hub, tmp_path):
    bundled = ADVENTURER
    for _ in range(2):
        done = push(bundled, REPO)
        assert done.returncode == 0, done.stderr
    assert sorted(hub.tags(REPO)) == snapshot_names(bundled)
    assert titles(hub) == ["initial commit", *snapshot_names(bundled), "The folder as it is"]
    run_ids = {
        json.loads(hub.read(REPO, name, "training.json"))["run_id"] for name in ("main", *snapshot_names(bundled))
    }
    assert run_ids == {json.loads((bundled / "training.json").read_text())["run_id"]}


def test_an_imported_checkpoint_of_two_files_can_be_pushed(pushed_run, push, hub, tmp_path):
    folder = tmp_path / "imported"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(pushed_run / name, folder / name)
    assert push(folder, "alice/imported").returncode == 0
    assert push(folder, "alice/imported").returncode == 0
    assert len(hub.commits("alice/imported")) == 2
    refused = push(folder, REPO)
    assert refused.returncode == 2
    assert "holds another run already" in refused.stderr


def test_private_makes_it_private_and_does_not_pretend_to(push, pushed_run, hub, tmp_path):
    assert push(pushed_run, "alice/secret", "--private").returncode == 0
    assert Repository(tmp_path / "hub" / "alice/secret.git").private
    refused = push(pushed_run, REPO, "--private")
    assert refused.returncode == 2
    assert "alice/faces exists already and is public" in refused.stderr


# A run is never lost


def test_a_killed_run_resumed_leaves_a_history_with_each_snapshot_once(run_train, hub, tmp_path, picture_cache):
    hub.fail("POST", "/tag/", hang(60), times=inf)  # killed between a commit and its tag
    process = hub_client.start(
        hub, tmp_path / "home", "train.py", *TINY, "--epochs", "5000", "--snapshot-epochs", "1,2,3",
        "--push-to-hub", REPO, "--output-dir", str(tmp_path / "run"), DCGAN_CACHE=str(picture_cache), IMPATIENCE="60",
    )  # fmt: skip
    with process:
        while not any("/tag/" in path for _, path in hub.requests):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.kill()
    hub.rules.clear()
    assert titles(hub) == ["initial commit", "epoch-0001"]
    step = load_state(tmp_path / "run").facts.step
    epochs = max(3, step // 5 + 1)
    done = run_train("--resume", "--epochs", str(epochs), "--push-to-hub", REPO)
    assert done.returncode == 0, done.stderr
    names = snapshot_names(tmp_path / "run")
    assert names[:3] == NAMES
    assert_whole(hub, tmp_path / "run", names)

    pulled = hub_client.python(hub, tmp_path / "fresh", f"""
import hashlib
from dcgan import Generator, faces
for name in {names}:
    drawn = [faces(Generator.from_pretrained(source, **options), list(range(16))).tobytes() for source, options in
             (("{REPO}", {{"revision": name}}), ("{tmp_path}/run/epochs/" + name, {{}}))]
    tell([hashlib.sha256(pixels).hexdigest() for pixels in drawn])
""", token=None)  # fmt: skip
    assert all(hub_face == local_face for hub_face, local_face in pulled)
    assert len({face for face, _ in pulled}) == len(names)


def test_a_run_that_ended_before_all_of_it_was_pushed_pushes_the_rest_when_it_is_resumed(run_train, hub, tmp_path):
    assert run_train(*TINY, *THREE, token=None).returncode == 0
    done = run_train("--resume", "--push-to-hub", REPO)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"the run in {tmp_path}/run is at its end, and {REPO} gets the rest of it" in done.stdout
    assert_whole(hub, tmp_path / "run")
    hub.fail("POST", "/commit/", status(500), times=inf)
    again = run_train("--resume", "--push-to-hub", REPO)
    assert (again.returncode, again.stderr) == (0, "")  # there was nothing left to push
    refused = run_train("--resume")
    assert refused.returncode == 2
    assert "its end is step 15; name a later one with --epochs or --max-steps" in refused.stderr


def test_a_run_goes_on_elsewhere_exactly_and_leaves_what_an_uninterrupted_one_leaves(run_train, hub, tmp_path):
    assert run_train(*TINY, *THREE, out="straight", token=None).returncode == 0
    flags = ["--push-to-hub", REPO, "--push-state"]
    assert run_train(*TINY, *THREE, "--max-steps", "7", *flags, out="here").returncode == 0
    assert [path for path in hub.files(REPO) if path.startswith("state")] == []
    state = json.loads(hub.read(REPO, "state", "state/step-7/state.json"))
    assert state["step"] == 7
    assert [path for path in hub.files(REPO, "state") if path.endswith("state.json")] == ["state/step-7/state.json"]

    shutil.rmtree(tmp_path / "here")
    done = run_train("--resume", REPO, "--epochs", "3", *flags, out="there", HF_HOME=str(tmp_path / "other-home"))
    assert done.returncode == 0, done.stderr
    there, straight = tmp_path / "there", tmp_path / "straight"
    for name in ("model.safetensors", "discriminator/model.safetensors", "samples/timelapse.gif", "samples/latest.png",
                 "state/step-15/state.safetensors", *(f"epochs/{name}/model.safetensors" for name in NAMES),
                 *(f"samples/{name}.png" for name in NAMES)):  # fmt: skip
        assert (there / name).read_bytes() == (straight / name).read_bytes(), name
    assert sorted(hub.tags(REPO)) == NAMES
    assert titles(hub) == ["initial commit", "epoch-0001", "The folder as it is", "epoch-0002", "epoch-0003"]


@pytest.fixture
def train_judged(hub, tmp_path, picture_cache):
    """Runs train.py with faces that are worth what the test says, at each step; after the last of these all is NaN."""

    def run(distances: dict[int, float], *arguments: str, out: str = "run") -> int:
        arguments = [*arguments, "--push-to-hub", REPO, "--push-state", "--output-dir", str(tmp_path / out)]
        script = f"""
import train
from dcgan.training import health, loop, run_folder, supervisor
from support.runs import draw_no_losses
run_folder.draw_losses = draw_no_losses
distances, train_step = {distances}, loop.train_step
def broken_later(state, *others):
    factor = 1.0 if state.step < max(distances) else float("nan")
    return {{name: value * factor for name, value in train_step(state, *others).items()}}
supervisor.Supervisor._read = lambda self, pixels: health.Reading(distances[self.state.step], 0.5)
loop.train_step = broken_later
tell(train.main({arguments}))
"""
        (status,) = hub_client.python(hub, tmp_path / "home", script, DCGAN_CACHE=str(picture_cache))
        return status

    return run


def assert_shown(hub: HubServer, folder: Path, name: str) -> None:
    """Both the folder and main show the snapshot."""
    for file in ("config.json", "model.safetensors", "discriminator/model.safetensors", "samples/latest.png"):
        kept = (folder / "epochs" / name / file).read_bytes()
        assert hub.read(REPO, "main", file) == (folder / file).read_bytes() == kept, file


def test_where_the_newest_snapshot_is_not_the_best_one_more_commit_restores_that(train_judged, push, hub, tmp_path):
    assert train_judged({5: 0.3, 10: 0.2, 15: 0.25}, *TINY, *THREE) == 0
    folder, history = tmp_path / "run", ["initial commit", *NAMES, "Back to epoch-0002, the best"]
    assert titles(hub) == history
    assert hub.tags(REPO) == {commit.title: commit.oid for commit in hub.commits(REPO)[1:-1]}
    assert_shown(hub, folder, "epoch-0002")
    last = folder / "epochs" / "epoch-0003" / "model.safetensors"
    assert hub.read(REPO, "epoch-0003", "model.safetensors") == last.read_bytes()
    assert json.loads(hub.read(REPO, "main", "training.json"))["best"]["snapshot"] == "epoch-0002"
    assert push(folder, REPO, "--push-state").returncode == 0
    assert titles(hub) == history


def test_a_run_that_goes_on_elsewhere_shows_the_best_of_its_snapshots_there_too(train_judged, hub, tmp_path):
    assert train_judged({5: 0.3, 10: 0.2, 15: 0.25}, *TINY, *THREE) == 0
    assert train_judged({20: 0.3}, "--resume", REPO, "--epochs", "4", out="there") == 0
    again = "Back to epoch-0002, the best"
    assert titles(hub) == ["initial commit", *NAMES, again, "epoch-0004", again]
    assert_shown(hub, tmp_path / "there", "epoch-0002")


def test_a_run_that_gives_up_leaves_its_best_snapshot_on_main(train_judged, hub, tmp_path):
    assert train_judged({5: 0.2, 10: 0.3}, *TINY, *THREE) == 1
    assert titles(hub) == ["initial commit", *NAMES[:2], "Back to epoch-0001, the best"]
    assert_shown(hub, tmp_path / "run", "epoch-0001")
    assert "state/step-10-retry-4/state.safetensors" in hub.files(REPO, "state")


def test_a_state_on_the_hub_tells_no_path_of_the_machine_it_came_from(run_train, hub, tmp_path):
    pictures = tmp_path / "private-place" / "holiday"
    avatars_main(["micah", str(pictures), "--count", "17", "--size", "30"])
    (pictures / "LICENCE.txt").unlink()
    done = run_train("--data", str(pictures), *TINY[4:], "--max-steps", "2", "--push-to-hub", REPO, "--push-state")
    assert done.returncode == 0, done.stderr
    for branch in ("main", "state"):
        for path in hub.files(REPO, branch):
            assert b"private-place" not in hub.read(REPO, branch, path), path
    elsewhere = run_train("--resume", REPO, "--max-steps", "3", out="there")
    assert elsewhere.returncode == 2
    assert "holiday" in elsewhere.stderr
    found = run_train("--resume", "--data", str(pictures), "--max-steps", "3", out="there")
    assert found.returncode == 0, found.stderr


def test_a_termination_pushes_what_there_is_and_the_printed_command_goes_on(run_train, hub, tmp_path, picture_cache):
    with hub_client.start(
        hub, tmp_path / "home", "train.py", *TINY, "--epochs", "5000", "--snapshot-epochs", "1", "--push-to-hub", REPO,
        "--push-state", "--output-dir", str(tmp_path / "run"), DCGAN_CACHE=str(picture_cache),
    ) as process:  # fmt: skip
        while not any("/tag/" in path for _, path in hub.requests):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.05)
        process.terminate()
        out, err = process.communicate(timeout=CLIENT_SECONDS)
    assert process.returncode == 143, err
    step = load_state(tmp_path / "run").facts.step
    assert f"state/step-{step}/state.safetensors" in hub.files(REPO, "state")
    go_on = re.search(r"Continue with: python train\.py (.*)", out)[1].split()
    assert go_on == ["--resume", "--output-dir", str(tmp_path / "run"), "--push-to-hub", REPO, "--push-state"]
    train.build_parser().parse_args(go_on)


# Faults while training: it goes on; what couldn't be pushed is named with the command that does


@pytest.mark.parametrize(
    ("method", "path", "fault"),
    [
        ("POST", "/commit/", status(409)), ("POST", "/commit/", status(412)), ("POST", "/commit/", status(500)),
        ("POST", "/commit/", status(429, retry_after="1")), ("POST", "/tag/", status(503)),
        ("POST", "/tag/", status(409)),
        ("PUT", "/upload/", cut_upload), ("POST", "/commit/", cut_upload),
        ("POST", "/commit/", lose_reply), ("POST", "/tag/", lose_reply), ("POST", "/commit/", hang(8)),
    ],
    ids=["409", "412", "500", "429", "503 for a tag", "409 for a tag", "cut LFS upload", "cut commit", "lost reply",
         "lost reply of a tag", "hang"],
)  # fmt: skip
def test_a_fault_that_passes_leaves_no_trace(method, path, fault, push, trained_run, hub):
    hub.fail(method, path, fault)
    done = push(trained_run, REPO, IMPATIENCE="0.1 0.5 3")
    assert done.returncode == 0, done.stderr
    assert_whole(hub, trained_run, NAMES[:2])


def test_an_outage_in_the_middle_of_a_run_is_outlasted(run_train, hub, tmp_path):
    hub.fail("GET|HEAD|POST|PUT", "/api/models/alice/faces/(refs|commit|commits|tag|preupload)", status(503), times=0)
    rule = hub.rules[-1]
    original = rule.takes

    def storm(method: str, path: str) -> bool:
        if "/commit/" in path and rule.times == 0:  # from the first commit on, for three seconds
            rule.times, rule.until = inf, time.monotonic() + 3
        return original(method, path)

    rule.takes = storm
    done = run_train(*TINY, *THREE, "--push-to-hub", REPO, IMPATIENCE=LONG_WAITS)
    assert done.returncode == 0, done.stderr
    assert "the Hub answers 503; trying again in" in done.stdout
    assert_whole(hub, tmp_path / "run")


def test_a_hub_that_dies_halfway_costs_no_step_and_what_is_missing_is_pushed_later(
    run_train, push, hub, tmp_path, monkeypatch
):
    serve, seen = hub._serve, []

    async def die_after_the_first_tag(scope, receive, send):
        if "/tag/" in scope["path"]:
            seen.append(scope["path"])
        if seen and "/tag/" not in scope["path"]:
            await status(503)(None, scope, receive, send)
        else:
            await serve(scope, receive, send)

    monkeypatch.setattr(hub, "_serve", die_after_the_first_tag)
    hub.down()
    hub.up()
    done = run_train(*TINY, *THREE, "--push-to-hub", REPO)
    assert done.returncode == 1
    out = tmp_path / "run"
    assert load_state(out).facts.step == 15
    assert "done: 120 pictures seen" in done.stdout
    command = f"python -m dcgan.hub push {out} {REPO}"
    assert f"not pushed to {REPO}: epoch-0002, epoch-0003 (the Hub answers 503)" in done.stderr
    assert command in done.stderr
    assert "Traceback" not in done.stderr
    assert titles(hub) == ["initial commit", "epoch-0001"]
    monkeypatch.undo()
    hub.down()
    hub.up()
    assert push(out, REPO).returncode == 0
    assert_whole(hub, out)


@pytest.mark.parametrize(
    ("path", "fault", "words"),
    [("/commit/", hang(100), "doesn't answer"), ("/preupload/", trickle, "answers too slowly")],
    ids=["hangs", "trickles"],
)
def test_a_hub_that_hangs_or_trickles_never_holds_up_the_training(path, fault, words, run_train, hub, tmp_path):
    hub.fail("POST", path, fault, times=inf)
    done = run_train(*TINY, *THREE, "--push-to-hub", REPO, IMPATIENCE="0.1 1")
    assert done.returncode == 1
    assert load_state(tmp_path / "run").facts.step == 15
    assert f"not pushed to {REPO}: epoch-0001, epoch-0002, epoch-0003 (the Hub ({hub.url}) {words})" in done.stderr


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (status(401), "the Hub refuses the token (401)"),
        (status(403), "can't be written to with this token (403)"),
        (status(404, x_error_code="RepoNotFound"), "is not on the Hub, or is private"),
    ],
    ids=["token revoked", "rights withdrawn", "repository deleted"],
)
def test_what_is_taken_away_in_the_middle_of_a_run_costs_the_push_alone(fault, words, run_train, hub, tmp_path):
    hub.fail("POST", "/preupload/", fault, times=inf)
    done = run_train(*TINY, *THREE, "--push-to-hub", REPO)
    assert done.returncode == 1
    assert load_state(tmp_path / "run").facts.step == 15
    assert words in done.stderr
    assert f"push it later with: python -m dcgan.hub push {tmp_path}/run {REPO}" in done.stderr
    assert "Traceback" not in done.stderr


# Bad input: exit 2 before the first step, one line, nothing left behind


def refused(done, tmp_path: Path) -> str:
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    assert not (tmp_path / "run").exists()
    assert "decoding" not in done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("token", "repository", "words"),
    [
        (None, REPO, ["there is no Hugging Face token", "`hf auth login`", "HF_TOKEN"]),
        ("hf_nonsense", REPO, ["refuses the token (401)", "`hf auth login`", "HF_TOKEN"]),
        (READ_ONLY, REPO, ["alice's token may only read", "`hf auth login`"]),
        (BOB, REPO, ["alice/faces can't be written to with this token (403)", "somebody else's"]),
        (BOB, "alice/new", ["alice/new can't be written to with this token (403)"]),
    ],
    ids=["no token", "bad token", "read-only token", "somebody else's repository", "somebody else's name"],
)
def test_who_may_not_push_hears_it_before_anything_is_done(token, repository, words, run_train, pushed_run, tmp_path):
    error = refused(run_train(*TINY, "--push-to-hub", repository, token=token), tmp_path)
    assert all(word in error for word in words), error


def test_a_dead_hub_is_found_out_before_the_first_step(run_train, hub, tmp_path):
    hub.down()
    error = refused(run_train(*TINY, "--push-to-hub", REPO), tmp_path)
    assert "can't be reached" in error
    assert f"train without --push-to-hub, and push later with: python -m dcgan.hub push {tmp_path}/run {REPO}" in error


def test_a_repository_with_another_run_is_left_alone(run_train, push, pushed_run, hub, tmp_path):
    head = hub.commits(REPO)[0].oid
    run_id = json.loads((pushed_run / "training.json").read_text())["run_id"]
    error = refused(run_train(*TINY, "--push-to-hub", REPO), tmp_path)
    assert f"alice/faces holds another run already ({run_id}); push to another repository" in error
    assert hub.commits(REPO)[0].oid == head


def test_two_runs_that_began_together_do_not_overwrite_each_other(run_train, hub, tmp_path, trained_run, push):
    original, pushed = hub._serve, []

    async def somebody_is_faster(scope, receive, send):
        if scope["path"].endswith("/preupload/main") and not pushed:
            pushed.append(True)
            facts = json.loads((trained_run / "training.json").read_text())
            store = Repository(tmp_path / "hub" / f"{REPO}.git")
            store.commit("main", "alice", "theirs", {"training.json": json.dumps(facts).encode()})
        await original(scope, receive, send)

    hub._serve = somebody_is_faster
    hub.down()
    hub.up()
    done = run_train(*TINY, *THREE, "--push-to-hub", REPO)
    assert done.returncode == 1
    assert "holds another run already" in done.stderr
    assert f"push it later with: python -m dcgan.hub push {tmp_path}/run user/other" in done.stderr
    assert titles(hub) == ["initial commit", "theirs"]
    assert load_state(tmp_path / "run").facts.step == 15


def test_a_repository_with_another_runs_state_is_left_alone(run_train, hub, tmp_path):
    assert run_train(*TINY, "--max-steps", "1", "--push-to-hub", REPO, "--push-state", out="first").returncode == 0
    store = Repository(tmp_path / "hub" / f"{REPO}.git")
    store.git("branch", "--force", "main", hub.commits(REPO)[-1].oid)
    head = hub.commits(REPO, "state")[0].oid
    error = refused(run_train(*TINY, "--push-to-hub", REPO, "--push-state"), tmp_path)
    assert "alice/faces keeps the resume state of another run" in error
    assert hub.commits(REPO, "state")[0].oid == head


def test_a_model_that_is_no_runs_is_not_overwritten_by_one(run_train, hub, tmp_path):
    store = Repository(tmp_path / "hub" / f"{REPO}.git")
    store.create(False)
    store.commit("main", "alice", "by hand", {"model.safetensors": b"precious"})
    assert "holds a model already, and no run of train.py's" in refused(
        run_train(*TINY, "--push-to-hub", REPO), tmp_path
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--push-to-hub", "faces"], "'faces' is no repository of the Hub; one is written user/name."),
        (["--push-to-hub", "a/b/c"], "'a/b/c' is no repository of the Hub"),
        (["--private"], "--private goes with --push-to-hub user/name."),
        (["--push-state"], "--push-state goes with --push-to-hub user/name."),
        (["--resume", "faces"], "'faces' is no repository of the Hub"),
        (["--resume", "."], "use --resume --output-dir . for that folder."),
    ],
)
def test_options_that_cannot_work_cost_one_line(arguments, message, tmp_path, capsys):
    assert train.main([*TINY, *arguments, "--output-dir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_run_without_a_state_on_the_hub_is_not_resumed_from_there(run_train, pushed_run, tmp_path):
    error = refused(run_train("--resume", REPO), tmp_path)
    assert "alice/faces keeps no resume state" in error
    assert "--push-state" in error


def test_a_folder_with_files_is_not_resumed_into(run_train, pushed_run, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine.txt").write_text("mine")
    done = run_train("--resume", REPO)
    assert done.returncode == 2
    assert "already holds files" in done.stderr
    assert (tmp_path / "run" / "mine.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["push", "nowhere", "alice/faces"], "nowhere has no config.json"),
        (["push", "nowhere", "faces"], "'faces' is no repository of the Hub"),
        (["pull"], "invalid choice"),
        ([], "command"),
    ],
)
def test_a_push_that_cannot_work_costs_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert hub_main(arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_push_never_goes_by_xet_which_has_no_time_limit(push, trained_run, hub):
    done = push(trained_run, REPO, HF_HUB_DISABLE_XET="0")
    assert done.returncode == 0, done.stderr
    assert not any("xet" in path for _, path in hub.requests)


def test_an_older_copy_of_a_run_takes_the_hub_not_back(run_train, push, hub, tmp_path):
    flags = ["--push-to-hub", REPO, "--push-state"]
    assert run_train(*TINY, *THREE, "--max-steps", "7", *flags, out="old").returncode == 0
    assert run_train("--resume", REPO, "--epochs", "3", *flags, out="new").returncode == 0
    heads = [hub.commits(REPO, branch)[0].oid for branch in ("main", "state")]
    done = push(tmp_path / "old", REPO, "--push-state")
    assert done.returncode == 0, done.stderr
    assert f"{REPO} is at step 15 already; {tmp_path}/old (step 7) is left out" in done.stdout
    assert f"{REPO} is at step 15 already; the resume state step-7 (step 7) is left out" in done.stdout
    assert [hub.commits(REPO, branch)[0].oid for branch in ("main", "state")] == heads


def test_a_tag_of_another_run_is_not_taken_for_ones_own(run_train, push, pushed_run, hub, tmp_path):
    store = Repository(tmp_path / "hub" / f"{REPO}.git")
    store.git("branch", "--force", "main", hub.commits(REPO)[-1].oid)  # main was emptied, the tags remain
    error = refused(run_train(*TINY, "--push-to-hub", REPO), tmp_path)
    assert "holds another run already" in error


def test_a_state_is_pushed_though_the_hub_refuses_the_snapshots(run_train, hub):
    hub.fail("POST", "/commit/main", status(400), times=inf)
    done = run_train(*TINY, *THREE, "--push-to-hub", REPO, "--push-state")
    assert done.returncode == 1
    assert f"the Hub refuses {REPO} (400)" in done.stderr
    assert "hub push" in done.stderr
    assert "state/step-15/state.json" in hub.files(REPO, "state")


class Recorded:
    """A repository that notes what is committed, and lets the run go on while a tag is made."""

    id, patience = REPO, Patience()

    def __init__(self, meanwhile):
        self.committed, self._meanwhile = [], meanwhile

    def refs(self):
        return Refs({"main": "0" * 40, "state": "1" * 40}, {})

    def history(self, branch):
        return []

    def files(self, commit):
        return {}

    def commit(self, contents, title, *arguments, **options):
        self.committed.append(title)
        return f"{len(self.committed):040}"

    def tag(self, name, commit):
        self._meanwhile()


def test_a_state_on_the_hub_is_never_ahead_of_the_snapshots_there(trained_run, tmp_path):
    folder = tmp_path / "run"
    shutil.copytree(trained_run, folder, ignore=shutil.ignore_patterns("epoch-0002", "step-10"))
    (folder / "state" / "last").write_text("step-5\n")

    def go_on() -> None:
        shutil.copytree(trained_run, folder, dirs_exist_ok=True)

    repository = Recorded(go_on)
    run_id = json.loads((folder / "training.json").read_text())["run_id"]
    pusher = Pusher(folder, repository, run_id, with_state=True)
    pusher.push()
    assert repository.committed[:2] == ["epoch-0001", "The folder as it is"]
    assert repository.committed[2:] == ["step-5"]
    pusher.push()
    assert [title for title in repository.committed[3:] if title != "The folder as it is"] == ["epoch-0002", "step-10"]


def test_a_state_that_was_taken_back_is_no_older_copy(trained_run, tmp_path):
    folder = shutil.copytree(trained_run, tmp_path / "run")
    repository = Recorded(lambda: None)
    pusher = Pusher(folder, repository, "a run", with_state=True)
    pusher.push()
    facts_file = folder / "state" / "step-5" / "state.json"
    facts_file.write_text(json.dumps(json.loads(facts_file.read_text()) | {"rollbacks": 1}))
    (folder / "state" / "step-5").rename(folder / "state" / "step-5-retry-1")
    (folder / "state" / "last").write_text("step-5-retry-1\n")
    pusher.push()
    assert [title for title in repository.committed if title.startswith("step")] == ["step-10", "step-5-retry-1"]


def test_a_publisher_that_never_began_is_closed_at_once_and_advises_what_was_asked_for(trained_run):
    pusher = Pusher(trained_run, Recorded(None), "a run", private=True, with_state=True)
    assert Publisher(pusher).close(ended=False) is None
    assert pusher.command() == f"python -m dcgan.hub push {trained_run} {REPO} --private --push-state"
    assert " user/other --private" in pusher.command("user/other")


def test_an_import_does_not_overwrite_what_is_no_generator_of_ours(pushed_run, push, hub, tmp_path):
    store = Repository(tmp_path / "hub" / "alice/bert.git")
    store.create(False)
    store.commit("main", "alice", "bert", {"config.json": b'{"architectures": []}', "model.safetensors": b"precious"})
    folder = tmp_path / "imported"
    folder.mkdir()
    for name in ("config.json", "model.safetensors"):
        shutil.copyfile(pushed_run / name, folder / name)
    refusal = push(folder, "alice/bert")
    assert refusal.returncode == 2
    assert "alice/bert holds a model already" in refusal.stderr
    assert hub.read("alice/bert", "main", "model.safetensors") == b"precious"


def test_what_the_hub_says_is_passed_on(push, trained_run, hub):
    hub.fail("POST", "/commit/", status(403, x_error_message="Private repository storage limit reached"))
    done = push(trained_run, REPO)
    assert done.returncode == 2
    assert "It says: Private repository storage limit reached" in done.stderr


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_whoever_interrupts_the_last_push_gets_out_at_once_and_hears_what_is_missing(
    number, code, hub, tmp_path, picture_cache
):
    hub.fail("PUT", "/upload/", hang(100), times=inf)
    with hub_client.start(
        hub, tmp_path / "home", "train.py", *TINY, *THREE, "--push-to-hub", REPO, "--output-dir", str(tmp_path / "run"),
        DCGAN_CACHE=str(picture_cache), IMPATIENCE="60",
    ) as process:  # fmt: skip
        for line in process.stdout:
            if line.startswith("pushing to"):
                break
        while not any("/upload/" in path for _, path in hub.requests):
            time.sleep(0.05)
        began = time.monotonic()
        process.send_signal(number)
        _, error = process.communicate(timeout=CLIENT_SECONDS)
    assert time.monotonic() - began < 10
    assert process.returncode == code
    assert f"not pushed to {REPO}: epoch-0001, epoch-0002, epoch-0003 (interrupted)" in error
    assert "Traceback" not in error


# A run that comes from the Hub


@pytest.fixture(scope="module")
def store_with_state(tmp_path_factory, picture_cache) -> Path:
    """What a Hub stores of a run that pushed its state as well."""
    folder = tmp_path_factory.mktemp("with-state")
    with HubServer(folder / "hub") as server:
        done = hub_client.run(
            server, folder / "home", "train.py", *TINY, *THREE, "--push-to-hub", REPO, "--push-state", "--output-dir",
            str(folder / "run"), DCGAN_CACHE=str(picture_cache),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
    return folder / "hub"


@pytest.fixture
def pushed_with_state(hub, store_with_state, tmp_path) -> Repository:
    shutil.copytree(store_with_state, tmp_path / "hub")
    return Repository(tmp_path / "hub" / f"{REPO}.git")


def test_a_resume_from_the_hub_outlasts_a_hiccup_and_leaves_foreign_tags_alone(
    run_train, hub, pushed_with_state, tmp_path
):
    pushed_with_state.git("tag", "epoch-0000", hub.commits(REPO)[-1].oid)
    hub.fail("GET", "/refs", status(503))
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "run").symlink_to(tmp_path / "elsewhere")
    done = run_train("--resume", REPO, "--epochs", "4")
    assert done.returncode == 0, done.stderr
    assert snapshot_names(tmp_path / "run") == [*NAMES, "epoch-0004"]
    assert not list((tmp_path / "run").glob(".restoring*"))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state/step-15/state.json": b"{}"}, "the resume state that alice/faces keeps is damaged"),
        ({"state/step-15/state.safetensors": b"cut"}, "the resume state that alice/faces keeps is damaged"),
        ({"state": None}, "alice/faces keeps no resume state"),
    ],
)
def test_a_state_that_is_damaged_on_the_hub_costs_one_line(changes, words, run_train, pushed_with_state, tmp_path):
    pushed_with_state.commit("state", "alice", "damage", changes)
    error = refused(run_train("--resume", REPO), tmp_path)
    assert words in error
    assert str(tmp_path) not in error


def test_a_stopped_run_does_not_wait_long_for_a_hub_that_hangs(trained_run):
    class Hanging:
        id, patience = REPO, Patience(last_push=0.2)

        def refs(self) -> None:
            threading.Event().wait(60)

    pusher = Pusher(trained_run, Hanging(), "a run", tell=lambda words: None)
    publisher = Publisher(pusher)
    publisher.start()
    began = time.monotonic()
    assert "no more time" in str(publisher.close(ended=False))
    assert time.monotonic() - began < 5
    assert pusher.missing() == NAMES[:2]


def test_an_interruption_is_heard_whichever_moment_or_thread_it_comes_to(trained_run):
    """One that comes just before the wait begins is like one that another thread takes: it doesn't end the wait."""

    class Hanging:
        id, patience = REPO, Patience()

        def refs(self) -> None:
            threading.Event().wait(60)

    def interrupt() -> None:
        waiting.wait()
        time.sleep(0.2)
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    waiting = threading.Event()
    publisher = Publisher(Pusher(trained_run, Hanging(), "a run", tell=lambda words: waiting.set()))
    publisher.start()
    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        publisher.close(ended=True)
    assert time.monotonic() - began < 5
    interrupting.join()
