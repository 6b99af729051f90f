"""Why targets were missed, as far as it was looked into, and what was tried.

How much of something says the row itself or `python -m benchmarks.shares`, and no word here.
"""

REASONS = {
    "train-float32": (
        "both loops spend nearly all of a step in the same convolutions (see *Where the time goes*), so that little "
        "is left to win. Done: fused Adam, one fused average, no gradients of D's weights where only G learns, no "
        "wait for a number. Tried: channels last and torch.compile of both networks, which bring nothing in float32"
    ),
    "train-bfloat16": (
        "as in float32; of bfloat16's own the casts of weights at each step remain. Tried: channels last, which "
        "brings little and is in; torch.compile, which brings nothing that stands out of the spread"
    ),
    "default-recipe": (
        "most of a step are convolutions (see *Where the time goes*), whose rate in batches of 16 is what bfloat16 can "
        "speed up; channels last brings little and is in. torch.compile can't: the penalties need second derivatives, "
        "which it hasn't"
    ),
    "rest-of-a-step": (
        "a step also has the average of G's weights, the cast of pictures to floats, random numbers, losses and the log"
    ),
    "machine-share": (
        "a step is more than its convolutions: BatchNorm, activations and Adam pass over memory again. Tried: "
        "torch.compile, which fuses them and brings nothing that stands out of the spread"
    ),
    "pipeline": (
        "ours copies rows out of the cache's file and casts them to floats, on one core; the loader has two "
        "processes that decode"
    ),
    "faces-64": (
        "both end in oneDNN's or MLAS's convolutions at the rate of the machine. Done: BatchNorm folded in, channels "
        "last, weights in oneDNN's order once, denoising with fewer passes. What is left are convolutions, the last of "
        "which has three channels that fill no vector, and denoising (see *Where the time goes*)"
    ),
    "face-1": (
        "most of it are convolutions at the rate of the machine (see *Where the time goes*); nearly all else is "
        "denoising in many small passes, of which a graph that is compiled ahead, as onnxruntime's, needs fewer"
    ),
    "click": (
        "by profile the server's time goes to the network and to Gradio's own work in like parts, much of the latter "
        "for files on their way into its cache, and less to 16 PNGs and the large face in four sizes. The bare page "
        "has only Gradio's part. Tried: fewer outputs of an event, which saved less than the spread and cost "
        "clearness; PNGs by run lengths, which take less time, are in"
    ),
    "actions": (
        "a pick shows the gallery's own picture at once, and its files follow. A face that is added to a walk waits "
        "for the server, which draws the walk's faces and tells the strip, the message and the count"
    ),
    "first-load": (
        "the page uses many of Gradio's components, each with scripts of its own, and shows 16 faces and the large one "
        "as PNGs, the same to the bit as what is saved. Done: the document is compressed, and holds small first "
        "faces"
    ),
    "first-answer": (
        "ours loads three generators and makes five tabs before it answers; by import times nearly all of what "
        "is imported is torch and gradio"
    ),
    "walk-drawn": (
        "three pictures a frame measure the way, half of them where it changes most; with fewer the speed was seen to "
        "waver. Most of the time goes there, as the row's faces alone show. Not done: measuring by the layer before "
        "the last, which would save a part of that for a second way to draw"
    ),
    "walk-gif": ("all frames share one table of 256 colours without dithering; fewer colours would be seen"),
    "walk-film": (
        "libwebp's simplest method takes as long as the row says; lossless it takes longer than our GIF, too, and "
        "isn't smaller. x264's preset ultrafast would be faster than superfast, for more bytes"
    ),
    "crowd": (
        "by profile an answer is the network and Gradio's event loop in like parts, and PNGs, all on "
        "both cores already when one visitor asks alone: four times as many answers would need all three to take much "
        "less. Batching the network (one draw for several visitors) could save none of it: eight faces at once draw as "
        "fast as the machine convolves. Memory rises once, with the first crowd: over 2,000 requests it stays flat, as "
        "the row of memory says"
    ),
    "memory": ("not looked into: a page may still be growing towards what it holds at its busiest moment"),
    "growth": ("not looked into"),
}
