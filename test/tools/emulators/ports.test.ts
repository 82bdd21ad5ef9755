import { describePorts } from '../../edge/ports.contract.ts';
import { emulatedPorts } from './emulated.ts';

describePorts('the ports over DynamoDB, SQS and S3', emulatedPorts);
