'use strict';
// Runs the bundle beside it out of V8's code cache, which saves compiling it at every start (about a third of the time to the first
// answer). A cache of another Node is refused by V8 and the bundle is compiled as ever. The names carry the content's hash, since V8
// itself only compares the source's length.
const { readFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { dirname, join } = require('node:path');
const { setFlagsFromString } = require('node:v8');
const { constants, Script } = require('node:vm');

// The first thousand calls of Node 20 spend more on optimising code, on threads that compete with the programs which the calls are for,
// than on running it. Twice V8's own threshold leaves out what is not hot for long. Later V8s have a cheaper compiler in between, and
// another flag. Part of the code cache's key, so it is set here, before anything is compiled.
if (process.versions.node.startsWith('20.')) setFlagsFromString('--interrupt-budget=135168');

const file = join(__dirname, BUNDLE);
const cacheFile = file.replace(/\.cjs$/, '.cache');

const readCache = () => {
  try {
    return readFileSync(cacheFile);
  } catch {
    return undefined; // built without one
  }
};

const compile = (cachedData) =>
  new Script(wrap(readFileSync(file, 'utf8')), {
    filename: file,
    cachedData,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });

const run = (script) => {
  const module = { exports: {} };
  script.runInThisContext()(module.exports, createRequire(file), module, file, dirname(file));
};

if (require.main === module) run(compile(readCache()));
else module.exports = { cacheFile, compile, run };
