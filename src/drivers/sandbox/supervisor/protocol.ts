/** The numbers of the supervisor protocol: docs/reference/supervisor-protocol.md says what they mean. */

export const PROTOCOL_VERSION = 2;
/** Sandboxes of servers from before an upgrade are served to their end. */
export const OLDEST_PROTOCOL_VERSION = 1;
export const SECRET_BYTES = 32;

/** Bytes of type and id, which every frame has. */
export const FRAME_HEAD_BYTES = 5;
/** Largest value of a frame's length field. */
export const MAX_FRAME_BYTES = 4 * 1024 * 1024;
/** Largest piece of a file or of standard input put in one frame. */
export const CHUNK_BYTES = 1024 * 1024;
/** Longest list of entries, executions or survivors a reply may carry. */
export const MAX_COUNT = 65_536;
export const MAX_LIST_ENTRIES = 4096;
export const MAX_META_BYTES = 16 * 1024;
export const MAX_CHANGES_BYTES = 16 * 1024;
/** Most ports told of one execution. */
export const MAX_PORTS = 64;

export const REQUEST = {
  hello: 0x01,
  spawn: 0x02,
  input: 0x03,
  kill: 0x04,
  list: 0x05,
  acknowledge: 0x06,
  resize: 0x07,
  waitPort: 0x08,
  cancel: 0x09,
  lease: 0x0a,
  shutdown: 0x0b,
  stats: 0x0c,
  watch: 0x0d,
  inspect: 0x0e,
  waitFile: 0x0f,
  fsRead: 0x10,
  fsWrite: 0x11,
  fsStat: 0x12,
  fsList: 0x13,
  fsRemove: 0x14,
  fsMakeDirectory: 0x15,
  fsRename: 0x16,
  launch: 0x20,
  end: 0x21,
} as const;

export const REPLY = {
  ok: 0x80,
  hello: 0x81,
  spawn: 0x82,
  kill: 0x84,
  list: 0x85,
  waitPort: 0x88,
  stats: 0x8c,
  inspect: 0x8e,
  waitFile: 0x8f,
  fsRead: 0x90,
  fsWrite: 0x91,
  fsStat: 0x92,
  fsList: 0x93,
  fsRemove: 0x94,
  launch: 0xa0,
  error: 0xff,
} as const;

export const EVENT = {
  launched: 0xa1,
  ended: 0xa2,
  exit: 0xc1,
  output: 0xc2,
  closed: 0xc3,
  inputWait: 0xc4,
} as const;

/** First record of an execution in the journal; the second is EVENT.exit. */
export const JOURNAL_START = 0xd1;

export const HELLO_EVENTS = 1;

export const SPAWN_FLAG = { pty: 1, keepStdinOpen: 2 } as const;

export const RESOURCE = {
  processes: 1,
  data: 2,
  cpuSeconds: 3,
  fileBytes: 4,
  openFiles: 5,
  core: 6,
  stack: 7,
  addressSpace: 8,
  treeMemory: 9,
  treeTasks: 10,
} as const;

export const KILL_MODE = { group: 0, tree: 1 } as const;

export const WRITE_FLAG = { create: 1, exclusive: 2, truncate: 4, append: 8, makeParents: 16, replace: 32 } as const;

export const STAGE_FLAG = { mapOwner: 1, readOnly: 2 } as const;

/** In the place of a uid or gid: keep the launcher's own. */
export const KEEP_ID = 0xffff_ffff;

/** Descriptors of a launched program. */
export const DESCRIPTOR = { info: 8, firstData: 10 } as const;

/** Identifiers of executions on the wire and in log file names. */
export const EXECUTION_ID = /^[A-Za-z0-9_-]{1,64}$/;

/** Flag of EXIT: the streams are in this frame alone, there are no log files. */
export const EXIT_UNFILED = 2;
/** Both streams together. */
export const MAX_UNFILED_BYTES = 16 * 1024;
