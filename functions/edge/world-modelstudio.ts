import type { ModelStudio } from '../ports.ts';
import { createModelStudio } from './modelstudio.ts';
import { createApiKey } from './secrets.ts';
import { required } from './settings.ts';
import { clock } from './system.ts';

// Not in world.ts, so that functions that never call ModelStudio do not load the code that reads its answers.
export function modelStudio(): ModelStudio {
  return createModelStudio({
    baseUrl: required('MODELSTUDIO_BASE_URL'),
    organizationId: required('MODELSTUDIO_ORGANIZATION_ID'),
    apiKey: createApiKey(required('MODELSTUDIO_SECRET_ARN')),
    clock,
  });
}
