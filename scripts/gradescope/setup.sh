#!/usr/bin/env bash
# Runs once, as root, when Gradescope builds the image for an assignment. It
# installs Go, fetches the modules, and grades the kit's own solution: that
# fills the build cache, and shows that grading works in this image.
#
# https://gradescope-autograders.readthedocs.io/en/latest/specs/ says what is
# where. AUTOGRADER is for trying this out in another folder.
set -euo pipefail

autograder=${AUTOGRADER:-/autograder}
kit=$autograder/source
version=1.26.8 # its checksums are those of https://go.dev/dl/

# run_autograder has the same lines.
export GOPATH=$autograder/go GOCACHE=$autograder/go/cache GOTOOLCHAIN=local
export PATH=/usr/local/go/bin:$PATH

# enough reports whether there is a Go of 1.25 or later.
enough() {
  local have
  have=$(go env GOVERSION 2>/dev/null) || return 1
  [ "$(printf '%s\n' go1.25 "$have" | sort -V | head -n 1)" = go1.25 ]
}

install_go() {
  local machine sum archive
  case $(uname -m) in
  x86_64) machine=amd64 sum=d0f743b33e8d8945e6b1f432edd15785c70507121d6e2a723b21285eddf8b57b ;;
  aarch64) machine=arm64 sum=211ffced9dcb9633a55eac6364816ec0ddd951389a740e88fa8b3337971bdda0 ;;
  *) echo "setup.sh: no Go is known here for $(uname -m)" >&2; exit 1 ;;
  esac
  if ! command -v curl >/dev/null; then
    apt-get update
    apt-get install -y curl ca-certificates
  fi
  archive=$(mktemp)
  curl --fail --silent --show-error --location --retry 3 --output "$archive" "https://go.dev/dl/go$version.linux-$machine.tar.gz"
  echo "$sum  $archive" | sha256sum --check -
  rm -rf /usr/local/go # an older one
  tar -C /usr/local -xzf "$archive"
  rm "$archive"
}

enough || install_go
go version

cd "$kit"
for module in . stage1-single stage2-concurrent stage3-client; do
  (cd "$module" && GOWORK=off go mod download)
done
go build -o "$autograder/grade" ./scripts/grade

status=0
"$autograder/grade" "$kit" || status=$?
case $status in
0) echo "setup.sh: the kit's own solution got all points" ;;
1) echo "setup.sh: WARNING: here the kit's own solution does not get all points (see above). Give the containers more CPU, and build the image again" ;;
*) echo "setup.sh: the grader does not work in this image (see above)" >&2; exit "$status" ;;
esac
