#!/bin/sh
grep -q '^opgrid$' words.txt && test -n "$TEST_TMPDIR"
