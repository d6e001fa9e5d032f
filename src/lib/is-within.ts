/** Is `path` the folder `root` or beneath it? By components of absolute normal paths: /workspace-2 is not within /workspace. */
export const isWithin = (path: string, root: string): boolean => path === root || path.startsWith(root.endsWith('/') ? root : `${root}/`);
