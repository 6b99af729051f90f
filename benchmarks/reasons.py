"""Why targets were missed, as far as it was looked into, and what was tried."""

REASONS = {
    "train-float32": (
        "in float32 both loops spend their time in the same convolutions. Tried: channels last, which brought "
        "nothing in float32. Before that: fused Adam, one fused average, no gradients of D's weights where "
        "only G learns"
    ),
    "train-bfloat16": (
        "channels last brought a twentieth in bfloat16. Not tried: compiled steps, which need a compiler on the machine"
    ),
    "default-recipe": (
        "channels last brought a twentieth in bfloat16 and nothing in float32. Not tried: compiled steps, "
        "which need a compiler on the machine"
    ),
    "rest-of-a-step": (
        "not profiled part by part; a step also has the average of G's weights, the cast of pictures to "
        "floats, random numbers, losses and the log"
    ),
    "machine-share": (
        "a step is more than its convolutions: BatchNorm, activations and Adam pass over memory again. Not "
        "tried: a compiler that fuses them"
    ),
    "pipeline": (
        "ours copies rows out of the cache's file and casts them to floats, on one core; the loader has two "
        "processes that decode"
    ),
    "faces-64": (
        "BatchNorm is folded and the layout channels last. What is left is in the convolutions, a quarter of "
        "it in the last layer, whose three channels fill no vector"
    ),
    "face-1": ("one face alone is drawn alone where that is the same bit for bit; not profiled further"),
    "click": (
        "ours draws, writes 16 PNGs and the large face in four sizes, and Gradio copies all of these into its "
        "cache; the bare page's lie ready"
    ),
    "actions": (
        "not profiled in a browser. A pick makes the face's four sizes before it is shown (PNGs by a faster "
        "setting took 80 ms of the processor, where they had taken 1,200); a style for the first time loads "
        "and folds its weights"
    ),
    "first-load": ("the document doesn't hold the first faces: they come by an event once Gradio's scripts have run"),
    "first-answer": ("not profiled; ours loads three generators and makes four tabs before it answers"),
    "walk-drawn": (
        "three pictures a frame measure the way, half of them where it changes most; with fewer the speed was "
        "seen to waver"
    ),
    "walk-gif": ("all frames share one table of 256 colours without dithering; fewer colours would be seen"),
    "walk-film": (
        "libwebp's simplest method takes two to three times as long as our GIF; lossless it takes twice as "
        "long and is as large as the GIF. x264's preset ultrafast would be faster than superfast, for half "
        "again the bytes"
    ),
    "crowd": (
        "seen with py-spy: drawing, writing PNGs and Gradio's event loop take a third each. One visitor alone "
        "keeps more than one of two cores busy, so that four times as many answers would need all three to "
        "take much less"
    ),
    "memory": ("not looked into: a page may still be growing towards what it holds at its busiest moment"),
    "growth": ("not looked into"),
}
