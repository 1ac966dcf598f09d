#!/usr/bin/env bash
# Makes weights/hsi-vgg.pt: weights/hsi-vgg.sh DATA [RUNS]
#
# DATA holds content/, style/ and vgg/; RUNS (default: runs) keeps what goes on after an interruption. Some
# three hours of two processor cores with bfloat16; not yet run as a whole. docs/training.md says why the options are what they are.
set -euo pipefail
data=$(realpath "${1:?the folder of the training data}") runs=$(realpath -m "${2:-runs}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."

train() {
  hsi-train --preset hsi-vgg --content "$data/content" --style "$data/style/standardebooks" "$data/style/public_domain" \
    --exclude docs/split.json --loss-network "$data/vgg/vgg_normalised_relu4_1.pth" --precision bf16 \
    --adversarial-weight 0 --grey-content-weight 0 --style-norm mse --style-weight 30 --style-ramp 0 \
    --content-weight 8 --recolour 0.3 --gradient-map 0.15 --contrast 0.3 \
    --batch 4 --share 2 --crop 128 --context 0 --threads 2 "$@"
}

paper() { train --first-weights --structure-weight 30 --rate 5e-5 --seed 1 -o "$runs/a.pt" "$@"; }
paper --palette-weight 20 --steps 250 --schedule 2000
# Palettes are to hold too. The same run goes on.
paper --palette-weight 100 --steps 2000

# Then contours by relu3_1, so that less need be lost for them.
train --init "$runs/a.pt" --skip --first-weights --structure-weight 10 --palette-weight 60 --rate 7e-5 \
  --steps 1000 --schedule 4000 --seed 21 -o "$runs/b.pt"

# Then the painting's palette, whatever the decoder has learned of it.
palette() { train --init "$runs/b.pt" --match-palette covariance --palette-weight 20 --rate 7e-5 --seed 22 -o "$runs/c.pt" "$@"; }
palette --structure-weight 10 --steps 1200 --schedule 2400
# With colours right, more of the photograph. The same run goes on.
palette --content-weight 14 --structure-weight 8 --steps 2400

# Then longer, at a higher rate, which the trained decoder bears. Its end was brought forward at step 2,000.
longer() {
  train --init "$runs/c.pt" --content-weight 14 --structure-weight 8 --palette-weight 20 --rate 1e-4 --seed 23 -o "$runs/d.pt" "$@"
}
longer --steps 2000 --schedule 4000
longer --steps 2800

python - "$runs/d.pt" <<'END'
import sys
from pathlib import Path
from hsi.model.checkpoint import load_checkpoint, save_checkpoint
save_checkpoint(Path("weights/hsi-vgg.pt"), load_checkpoint(Path(sys.argv[1])), half=True)
END
