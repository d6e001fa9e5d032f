'use strict';
// Runs a built entry once and keeps what V8 compiled of it: `node warm.cjs dist/corral.js`, with the session to serve on stdin.
const { writeFileSync } = require('node:fs');
const { resolve } = require('node:path');

const entry = resolve(process.argv[2]);
const { cacheFile, compile, run } = require(entry);
process.argv.splice(1, 2, entry);
const script = compile();
process.on('exit', () => writeFileSync(cacheFile, script.createCachedData()));
run(script);
