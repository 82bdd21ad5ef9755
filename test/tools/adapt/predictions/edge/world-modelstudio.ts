import { createApiKey } from '../../../../../functions/edge/secrets.ts';
import { required } from '../../../../../functions/edge/settings.ts';
import { clock } from '../../../../../functions/edge/system.ts';
import { createModelStudio } from './modelstudio.ts';

export function modelStudio() {
  return createModelStudio({
    baseUrl: required('MODELSTUDIO_BASE_URL'),
    apiKey: createApiKey(required('MODELSTUDIO_SECRET_ARN')),
    clock,
  });
}
