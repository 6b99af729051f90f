"""Why targets were missed, as far as it was looked into, and what was tried."""

REASONS = {
    "train-float32": (
        "both loops spend nine tenths of a step in the same convolutions (see the share of oneDNN's rate), so that "
        "little is left to win. Done: fused Adam, one fused average, no gradients of D's weights where only G learns, "
        "no wait for a number. Tried: channels last, which brings nothing in float32; torch.compile of both networks, "
        "0.95 to 1.04 of the rate after half a minute of compiling"
    ),
    "train-bfloat16": (
        "as in float32; of bfloat16's own the casts of weights at each step remain. Tried: channels last, which "
        "brings a twentieth and is in; torch.compile, which brings nothing that stands out of the spread"
    ),
    "default-recipe": (
        "three quarters of a step are convolutions, whose rate in batches of 16 is what bfloat16 can speed up; "
        "channels last brings a twentieth and is in. torch.compile can't: the penalties need second derivatives, "
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
        "last, weights in oneDNN's order once, denoising with fewer passes. By profile two thirds are convolutions, an "
        "eighth of all the last one, whose three channels fill no vector, and a fifth is denoising"
    ),
    "face-1": (
        "by profile two thirds are convolutions at the rate of the machine, a third is denoising in a hundred small "
        "passes, of which a graph that is compiled ahead, as onnxruntime's, needs fewer"
    ),
    "click": (
        "by profile a click takes 140 ms of the server's processor: two fifths are the network, a fifth are 16 PNGs "
        "and the large face in four sizes, two fifths are Gradio's own, half of these for files on their way into its "
        "cache. The bare page has only this last part. Tried: fewer outputs of an event, which saved less than the "
        "spread and cost clearness; PNGs by run lengths, twice as fast, are in"
    ),
    "actions": (
        "a pick shows the gallery's own picture at once, and its files follow. A face that is added to a walk waits "
        "for the server, which draws the walk's faces and tells the strip, the message and the count"
    ),
    "first-load": (
        "the page uses many of Gradio's components, each with scripts of its own, and shows 16 faces and the large one "
        "as PNGs, the same to the bit as what is saved. Done: the document is compressed, to a sixth, and holds small "
        "first faces"
    ),
    "first-answer": (
        "ours loads three generators and makes five tabs before it answers; by import times 19 of 20 parts of what is "
        "imported are torch and gradio"
    ),
    "walk-drawn": (
        "three pictures a frame measure the way, half of them where it changes most; with fewer the speed was seen to "
        "waver. By count three quarters of the time go there. Not done: measuring by the layer before the last, at a "
        "third of the side, which by each layer's time would save a third of it all for a second way to draw"
    ),
    "walk-gif": ("all frames share one table of 256 colours without dithering; fewer colours would be seen"),
    "walk-film": (
        "libwebp's simplest method takes two to three times as long as our GIF; lossless it takes twice as "
        "long and is as large as the GIF. x264's preset ultrafast would be faster than superfast, for half "
        "again the bytes"
    ),
    "crowd": (
        "by profile two fifths of an answer are the network, a fifth PNGs and two fifths Gradio's event loop, all on "
        "both cores already when one visitor asks alone: four times as many answers would need all three to take much "
        "less. Batching the network (one draw for several visitors) could save none of it: eight faces at once draw as "
        "fast as the machine convolves. Memory rises once, with the first crowd: over 2,000 requests it stays flat, as "
        "the row of memory says"
    ),
    "memory": ("not looked into: a page may still be growing towards what it holds at its busiest moment"),
    "growth": ("not looked into"),
}
