"""The smallest run that is still one: a second on 24x24 avatars with the narrowest networks."""

TINY = [
    "--data", "avatars:adventurer", "--data-size", "40", "--image-size", "24", "--batch-size", "8",
    "--generator-feature-maps", "4", "--discriminator-feature-maps", "4", "--latent-dim", "8",
    "--no-denoising",  # grain is most of what so small a network draws
]  # fmt: skip
TINY_STEPS_PER_EPOCH = 5
