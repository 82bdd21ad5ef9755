"""
An AWS endpoint for `cdk deploy`: moto's server, and the resource types that moto's CloudFormation lacks.

Those are made through the server's own APIs, so that botocore checks their properties and clients find them.
Types that are not in MAKERS either are only noted down: bucket policies, as moto heeds them and CDK's refuse
all that comes over plain http. Prints its URL in a line, and ends with its stdin.

While there is a file at $ALARMS_REFUSED, no alarm can be made, as in an account that has too many.
"""

import json
import os
import subprocess
import sys
import uuid

import boto3
from moto.cloudformation import models, parsing
from moto.core.common_models import CloudFormationModel
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
url = "http://%s:%d" % server.get_host_and_port()


def client(service):
    return boto3.client(service, endpoint_url=url)


api, cloudwatch, secrets = client("apigatewayv2"), client("cloudwatch"), client("secretsmanager")
sns, sqs = client("sns"), client("sqs")


class Refused(Exception):
    pass


def make_alarm(name, **properties):
    if os.path.exists(os.environ["ALARMS_REFUSED"]):
        raise Refused("the account has as many alarms as it may have")
    properties.setdefault("AlarmName", name)
    cloudwatch.put_metric_alarm(**properties)
    return properties["AlarmName"]


def make_secret(name, GenerateSecretString, **properties):
    value = secrets.get_random_password(**GenerateSecretString)["RandomPassword"]
    return secrets.create_secret(Name=name, SecretString=value, **properties)["ARN"]


def make_queue_policy(name, Queues, PolicyDocument):
    for queue in Queues:
        sqs.set_queue_attributes(QueueUrl=queue, Attributes={"Policy": json.dumps(PolicyDocument)})
    return name


def make_topic_policy(name, Topics, PolicyDocument):
    policy = json.dumps(PolicyDocument)
    for topic in Topics:
        sns.set_topic_attributes(TopicArn=topic, AttributeName="Policy", AttributeValue=policy)
    return name


# How a resource is made of a generated name and its properties. What comes of it is what `Ref` says.
MAKERS = {
    "AWS::ApiGatewayV2::Api": lambda name, **given: api.create_api(**given)["ApiId"],
    "AWS::ApiGatewayV2::Integration": lambda name, **given: api.create_integration(**given)["IntegrationId"],
    "AWS::ApiGatewayV2::Route": lambda name, **given: api.create_route(**given)["RouteId"],
    "AWS::ApiGatewayV2::Stage": lambda name, **given: api.create_stage(**given)["StageName"],
    "AWS::CloudWatch::Alarm": make_alarm,
    "AWS::SecretsManager::Secret": make_secret,
    "AWS::SNS::TopicPolicy": make_topic_policy,
    "AWS::SQS::QueuePolicy": make_queue_policy,
}
# The others go with what they belong to.
REMOVERS = {
    "AWS::ApiGatewayV2::Api": lambda ref: api.delete_api(ApiId=ref),
    "AWS::CloudWatch::Alarm": lambda ref: cloudwatch.delete_alarms(AlarmNames=[ref]),
    "AWS::SecretsManager::Secret": lambda ref: secrets.delete_secret(
        SecretId=ref, ForceDeleteWithoutRecovery=True
    ),
}
ATTRIBUTES = {
    "AWS::ApiGatewayV2::Api": lambda ref: api.get_api(ApiId=ref),
    "AWS::CloudWatch::Alarm": lambda ref: {
        "Arn": cloudwatch.describe_alarms(AlarmNames=[ref])["MetricAlarms"][0]["AlarmArn"]
    },
}


def call_function(request_type, properties, variables, **more):
    """What CloudFormation does with a custom resource, twice, as Lambda may deliver an event more than once."""
    about = {"RequestId": str(uuid.uuid4()), "StackId": "stack", "LogicalResourceId": "key"}
    event = {**about, **more, "RequestType": request_type, "ResourceProperties": properties}
    path = os.path.join(os.path.dirname(__file__), "custom-resource.ts")
    for _ in range(2):
        env = {**os.environ, **variables, "AWS_ENDPOINT_URL": url}
        ran = subprocess.run([os.environ["NODE"], path], input=json.dumps(event), env=env, capture_output=True, text=True)
        if ran.returncode != 0 or json.loads(ran.stdout.splitlines()[-1])["Status"] != "SUCCESS":
            raise Exception(ran.stdout + ran.stderr)
    return json.loads(ran.stdout.splitlines()[-1])


class CustomResource(CloudFormationModel):
    __module__ = "moto.cloudformation.lacking"

    def __init__(self, properties):
        self.properties = properties
        # moto may delete the function first, which CloudFormation does not.
        name = properties["ServiceToken"].split(":")[-1]
        function = client("lambda").get_function_configuration(FunctionName=name)
        self.variables = function["Environment"]["Variables"]
        self.answer = call_function("Create", properties, self.variables)
        self.physical_resource_id = self.answer["PhysicalResourceId"]

    @classmethod
    def create_from_cloudformation_json(cls, name, resource, *_, **__):
        return cls(resource["Properties"])

    def get_cfn_attribute(self, attribute):
        return self.answer["Data"][attribute]

    def delete(self, *_):
        call_function("Delete", self.properties, self.variables, PhysicalResourceId=self.physical_resource_id)


class Resource(CloudFormationModel):
    __module__ = "moto.cloudformation.lacking"  # moto takes the service from it

    def __init__(self, resource_type, ref):
        self.resource_type = resource_type
        self.physical_resource_id = ref

    @classmethod
    def create_from_cloudformation_json(cls, name, resource, *_, **__):
        make = MAKERS.get(resource["Type"], lambda name, **given: name)
        return cls(resource["Type"], make(name, **resource["Properties"]))

    def get_cfn_attribute(self, attribute):
        return ATTRIBUTES[self.resource_type](self.physical_resource_id)[attribute]

    def delete(self, *_):
        if self.resource_type in REMOVERS:
            REMOVERS[self.resource_type](self.physical_resource_id)


known = parsing.resource_class_from_type
parsing.resource_class_from_type = lambda resource_type: (
    CustomResource if resource_type.startswith("Custom::Model") else known(resource_type) or Resource
)


def apply_with_outputs(change_set, apply=models.ChangeSet.apply):
    """moto gives a stack the outputs of a template, but not those of a change set."""
    apply(change_set)
    change_set.stack.template_dict = change_set.template_dict
    change_set.stack.output_map = change_set.stack._create_output_map()


models.ChangeSet.apply = apply_with_outputs

def delete(resources, is_rollback=False, delete=parsing.ResourceMap.delete):
    """moto does not know of resources that are kept, but not when it is their creation that is rolled back."""
    given = resources._resource_json_map
    kept = "Delete" if is_rollback else "Retain"
    resources._resource_json_map = {
        name: {**resource, "DeletionPolicy": kept}
        if resource.get("DeletionPolicy") == "RetainExceptOnCreate"
        else resource
        for name, resource in given.items()
    }
    try:
        delete(resources)
    finally:
        resources._resource_json_map = given


def execute_change_set(backend, execute=models.CloudFormationBackend.execute_change_set, **named):
    """moto does not roll a creation back that fails."""
    try:
        execute(backend, **named)
    except Refused as reason:
        # CDK gives each of its change sets a name of its own.
        [stack] = {
            found.stack
            for found in backend.change_sets.values()
            if found.execution_status != "EXECUTE_COMPLETE"
            and named["change_set_name"] in (found.change_set_id, found.change_set_name)
        }
        stack._add_stack_event("ROLLBACK_IN_PROGRESS", resource_status_reason=str(reason))
        try:
            stack.resource_map.delete(is_rollback=True)
            stack.status = "ROLLBACK_COMPLETE"
        except Exception as refusal:
            stack.status = "ROLLBACK_FAILED"
            reason = refusal
        stack._add_stack_event(stack.status, resource_status_reason=str(reason))


parsing.ResourceMap.delete = delete
models.CloudFormationBackend.execute_change_set = execute_change_set

print(url, flush=True)
sys.stdin.read()
