"""The model card (README.md) of a checkpoint folder, written from what the run knows about itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

HUB_LICENCES = {"CC0 1.0": "cc0-1.0", "CC BY 4.0": "cc-by-4.0", "MIT": "mit"}


def model_card(facts: dict[str, Any], config: dict[str, Any], folder: Path) -> str:
    """The card as Markdown with the Hub's metadata block on top.

    `facts` is what training.json holds, `config` what the generator's config.json holds; pictures are shown where
    `folder` has them.
    """
    size, data = config["image_size"], facts["data"]
    parts = [
        _metadata(data),
        f"# {folder.name}: {size}x{size} faces by a DCGAN",
        _pictures(folder),
        "An unconditional [DCGAN](https://arxiv.org/abs/1511.06434) (Radford et al. 2015) that turns a latent vector "
        f"of {config['latent_dim']} numbers into a {size}x{size} picture. It was trained on {data['pictures']:,} "
        f"pictures of **{data['name']}** until it had seen {facts['images_seen']:,}.",
        _usage(),
        _training(facts),
        _attribution(data["attribution"]),
        "## Limits\n\nIt draws what its training pictures show and nothing else: no prompt, no control but the latent. "
        "Rare features are drawn worse than common ones, and some seeds fail.",
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _metadata(data: dict[str, Any]) -> str:
    licence = (data["attribution"] or {}).get("licence")
    lines = ["---", "library_name: pytorch", "pipeline_tag: unconditional-image-generation"]
    if licence:
        lines.append(f"license: {HUB_LICENCES.get(licence, 'other')}")
    return "\n".join([*lines, "tags:", "- dcgan", "- gan", "---"])


def _pictures(folder: Path) -> str:
    shown = {
        "samples/latest.png": "Faces of seeds 0 to 31",
        "samples/timelapse.gif": "The same seeds over the course of training",
        "losses.png": "Losses and D's beliefs over the course of training",
    }
    return "\n\n".join(f"![{text}]({name})" for name, text in shown.items() if (folder / name).is_file())


def _usage() -> str:
    return """## Use

```python
from dcgan import Generator, faces

generator = Generator.from_pretrained("path/to/this/folder")
pixels = faces(generator, seeds=[7, 42, 99])  # (3, size, size, 3) uint8
```"""


def _training(facts: dict[str, Any]) -> str:
    hours = facts["seconds"] / 3600
    rate = facts["images_seen"] / facts["seconds"] if facts["seconds"] else 0
    parameters = facts["parameters"]
    return f"""## Training

```
{facts["command"]}
```

| | |
|---|---|
| steps | {facts["step"]:,} ({facts["epoch"]:.1f} epochs) |
| pictures seen | {facts["images_seen"]:,} |
| time | {hours:.1f} h on {facts["hardware"]}, {rate:.0f} pictures a second |
| parameters | generator {parameters["generator"]:,}, discriminator {parameters["discriminator"]:,} |
| data fingerprint | `{facts["data"]["fingerprint"][:16]}` |
| versions | {", ".join(f"{name} {number}" for name, number in facts["versions"].items())} |"""


def _attribution(credit: dict[str, str] | None) -> str:
    if not credit:
        return ""
    return (
        f"## Data and licence\n\n{credit['title']} by {credit['creator']}, {credit['licence']} "
        f"({credit['licence_url']}). In the words of the style's own file:\n\n> "
        + credit["licence_text"].strip().replace("\n", "\n> ")
    )
