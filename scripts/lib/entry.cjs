'use strict';
// Runs the bundle beside it out of V8's code cache, which saves compiling it at every start (about a third of the time to the first
// answer). A cache of another Node is refused by V8 and the bundle is compiled as ever. The names carry the content's hash, since V8
// itself only compares the source's length.
const { readFileSync } = require('node:fs');
const { createRequire, wrap } = require('node:module');
const { dirname, join } = require('node:path');
const { constants, Script } = require('node:vm');

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
