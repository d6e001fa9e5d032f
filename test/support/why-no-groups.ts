import { createGroupFiles } from '../../src/drivers/sandbox/cgroups/files.ts';
import { findHierarchy } from '../../src/drivers/sandbox/cgroups/hierarchy.ts';

/** Undefined where the tests may have control groups. */
export const whyNoGroups = async (): Promise<string | undefined> => {
  const found = await findHierarchy(createGroupFiles(), process.getuid?.() === 0);
  return found.version === 0 ? found.why : undefined;
};
