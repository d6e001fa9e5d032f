import type { Tools } from '../../languages/tools.ts';
import type { Packages } from '../../packages/service.ts';
import type { ProfileServices } from '../profile.ts';
import type { Blocks } from './blocks.ts';
import type { Place } from './place.ts';
import type { Sessions } from './sessions.ts';

/** What the tools of the profile are made of. */
export interface ExecDeps extends ProfileServices {
  readonly blocks: Blocks;
  readonly sessions: Sessions;
  readonly place: Place;
  readonly tools: Tools;
  readonly packages: Packages;
}
