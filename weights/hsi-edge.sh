#!/usr/bin/env bash
# Makes weights/hsi-edge.pt and the shipped bundle: weights/hsi-edge.sh DATA [RUNS]
#
# DATA holds content/, style/ and vgg/; RUNS (default: runs) keeps what goes on after an interruption.
# Six hours and a quarter of two processor cores. With as many threads on the same machine the weights come out
# the same to the bit. docs/training.md says why the options are what they are.
set -euo pipefail
data=$(realpath "${1:?the folder of the training data}") runs=$(realpath -m "${2:-runs}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

small=$data/vgg/vgg19_16x_small_relu5_1_CD.pth large=$data/vgg/vgg_normalised_relu4_1.pth
train() {
  hsi-train --content "$data/content" --style "$data/style/standardebooks" "$data/style/public_domain" \
    --exclude docs/split.json --encoder "$small" --precision bf16 --adversarial-weight 0 \
    --grey-content-weight 0 --batch 4 --share 2 --crop 128 --context 16 --threads 2 "$@"
}

# To carry a picture, and what a code means.
train --code-hidden 0 --loss-network "$small" --style-weight 1 --content-weight 10 --identity-weight 100 \
  --style-ramp 1 --steps 500 -o "$runs/a.pt"
# Then style, more of it for the first 5,000 steps.
train --loss-network "$large" --init "$runs/a.pt" --style-weight 100 --content-weight 8 \
  --structure-weight 45 --structure-levels 2 --palette-weight 50 --recolour 0.4 --degrade 0.5 --style-ramp 5000 \
  --steps 6500 --schedule 9000 --seed 1 -o "$runs/b.pt"
# Then by the square of the distance: less on styles that are near, more on those that are far.
train --loss-network "$large" --init "$runs/b.pt" --style-norm mse --style-weight 90 \
  --content-weight 10 --structure-weight 50 --structure-levels 2 --palette-weight 50 \
  --recolour 0.4 --degrade 0.5 --style-ramp 0 --rate 4e-4 --steps 2600 --seed 2 -o "$runs/c.pt"
# Then contours back, the finest too.
train --loss-network "$large" --init "$runs/c.pt" --style-norm mse --style-weight 70 \
  --content-weight 10 --structure-weight 120 --structure-levels 1 2 --palette-weight 50 \
  --recolour 0.4 --degrade 0.5 --style-ramp 0 --rate 5e-4 --steps 2200 --seed 3 -o "$runs/d.pt"

# Then many more palettes and contrasts than there are paintings, and codes that are seen as a whole.
train --loss-network "$large" --init "$runs/d.pt" --code-hidden 256 --style-crop 256 --style-norm mse \
  --style-weight 70 --content-weight 10 --structure-weight 110 --structure-levels 1 2 \
  --palette-weight 50 --recolour 0.35 --gradient-map 0.25 --contrast 0.4 --degrade 0.5 --style-ramp 0 \
  --rate 7e-4 --steps 3800 --seed 4 -o "$runs/e.pt"

# Then the same of a frame with noise and of one without.
train --loss-network "$large" --init "$runs/e.pt" --style-crop 256 --style-norm mse --style-weight 70 \
  --content-weight 10 --structure-weight 110 --structure-levels 1 2 --palette-weight 50 \
  --consistency-weight 1500 --recolour 0.35 --gradient-map 0.25 --contrast 0.4 --degrade 0.5 --style-ramp 0 \
  --rate 7e-4 --steps 3600 --seed 6 -o "$runs/f.pt"

# Then flat scenes: what is not there is not to be blown up.
flat() {
  train --loss-network "$large" --deviation-floor 0.1 --style-crop 256 --style-norm mse --style-weight 70 \
    --content-weight 10 --structure-weight 110 --structure-levels 1 2 --palette-weight 50 --recolour 0.35 \
    --gradient-map 0.25 --contrast 0.4 --degrade 0.5 --style-ramp 0 "$@"
}
flat --init "$runs/f.pt" --consistency-weight 1500 --flatten 0.25 --rate 7e-4 --steps 750 --schedule 2800 \
  --seed 7 -o "$runs/g.pt"
flat --init "$runs/g.pt" --consistency-weight 5000 --flatten 0.2 --rate 6e-4 --steps 2050 --seed 8 -o "$runs/h.pt"
# Then rounding errors by themselves, which drowned in the noise of the sensor.
flat --init "$runs/h.pt" --consistency-weight 5000 --flatten 0.2 --rate 4e-4 --steps 2200 --seed 9 -o "$runs/i.pt"

python - "$runs/i.pt" <<'END'
import sys
from pathlib import Path
from hsi.model.checkpoint import load_checkpoint, save_checkpoint
save_checkpoint(Path("weights/hsi-edge.pt"), load_checkpoint(Path(sys.argv[1])), half=True)
END
hsi-export weights/hsi-edge.pt -o runtime/data/hsi-edge.hsi --force
