"""Calls google.longrunning.Operations with grpcio, by descriptors that it asks the server for.

usage: grpcio-peer.py HOST:PORT

Each line of standard input is a JSON object with "method", and what the method takes; each answer is a line of JSON.
"""

import hashlib
import json
import sys

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

OPERATIONS = "google.longrunning.Operations"
REAPI = "build.bazel.remote.execution.v2"
REFLECTION = "grpc.reflection.v1"
METADATA_TRAILER = REAPI + ".requestmetadata-bin"

Field = descriptor_pb2.FieldDescriptorProto


def message_class(pool, name):
    return message_factory.MessageFactory(pool).GetPrototype(pool.FindMessageTypeByName(name))


def reflection_pool():
    """The part of the reflection API that is used: the one thing that has to be known beforehand."""
    messages = {
        "ServerReflectionRequest": [("file_containing_symbol", 4, Field.TYPE_STRING, None)],
        "ServerReflectionResponse": [
            ("file_descriptor_response", 4, Field.TYPE_MESSAGE, "FileDescriptorResponse"),
            ("error_response", 7, Field.TYPE_MESSAGE, "ErrorResponse"),
        ],
        "FileDescriptorResponse": [("file_descriptor_proto", 1, Field.TYPE_BYTES, None)],
        "ErrorResponse": [
            ("error_code", 1, Field.TYPE_INT32, None),
            ("error_message", 2, Field.TYPE_STRING, None),
        ],
    }
    file = descriptor_pb2.FileDescriptorProto(name="reflection.proto", package=REFLECTION, syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, number, kind, type_name in fields:
            repeated = kind == Field.TYPE_BYTES
            message.field.add(
                name=field,
                number=number,
                type=kind,
                label=Field.LABEL_REPEATED if repeated else Field.LABEL_OPTIONAL,
                type_name=type_name and ".%s.%s" % (REFLECTION, type_name),
            )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return pool


def reflect(channel, symbols):
    """A pool with the symbols and everything that they use."""
    own = reflection_pool()
    request = message_class(own, REFLECTION + ".ServerReflectionRequest")
    response = message_class(own, REFLECTION + ".ServerReflectionResponse")
    call = channel.stream_stream(
        "/%s.ServerReflection/ServerReflectionInfo" % REFLECTION,
        request_serializer=request.SerializeToString,
        response_deserializer=response.FromString,
    )
    files = {}
    for reply in call(iter([request(file_containing_symbol=symbol) for symbol in symbols]), timeout=20):
        if reply.HasField("error_response"):
            raise RuntimeError(reply.error_response.error_message)
        for data in reply.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            files[file.name] = file
    pool = descriptor_pool.DescriptorPool()
    add_in_order(pool, files)
    return pool


def add_in_order(pool, files):
    added = set()

    def add(name):
        if name in added:
            return
        added.add(name)
        for dependency in files[name].dependency:
            add(dependency)
        pool.Add(files[name])

    for name in files:
        add(name)


class Peer:
    def __init__(self, channel):
        self.channel = channel
        self.pool = reflect(
            channel, [OPERATIONS, REAPI + ".ExecuteOperationMetadata", REAPI + ".RequestMetadata"]
        )

    def call(self, method, **fields):
        descriptor = self.pool.FindServiceByName(OPERATIONS).FindMethodByName(method)
        request = message_class(self.pool, descriptor.input_type.full_name)
        reply = message_class(self.pool, descriptor.output_type.full_name)
        stub = self.channel.unary_unary(
            "/%s/%s" % (OPERATIONS, method),
            request_serializer=request.SerializeToString,
            response_deserializer=reply.FromString,
        )
        return stub.with_call(json_format.ParseDict(fields, request()), timeout=60)

    def understood(self, operation):
        metadata = message_class(self.pool, REAPI + ".ExecuteOperationMetadata")()
        metadata.ParseFromString(operation.metadata.value)
        stage = metadata.DESCRIPTOR.fields_by_name["stage"].enum_type.values_by_number[metadata.stage].name
        view = {
            "name": operation.name,
            "done": operation.done,
            "metadataType": operation.metadata.type_url,
            "stage": stage,
        }
        if operation.HasField("response"):
            view["responseType"] = operation.response.type_url
        if operation.HasField("error"):
            view["errorCode"] = operation.error.code
        return view

    def list(self, filter):
        return [self.understood(each) for each in self.call("ListOperations", name="main", filter=filter)[0].operations]

    def walk(self, filter, size):
        """All pages; the SHA-256 is that of the names with newlines between them."""
        names = []
        token = ""
        while True:
            page, _ = self.call("ListOperations", name="main", filter=filter, pageSize=size, pageToken=token)
            names.extend(each.name for each in page.operations)
            token = page.next_page_token
            if not token:
                return {"count": len(names), "sha256": hashlib.sha256("\n".join(names).encode()).hexdigest()}

    def get(self, name):
        return self.understood(self.call("GetOperation", name=name)[0])

    def wait(self, name, timeout=None):
        limit = {} if timeout is None else {"timeout": timeout}
        return self.understood(self.call("WaitOperation", name=name, **limit)[0])

    def cancel(self, name):
        self.call("CancelOperation", name=name)

    def tool(self, name):
        _, call = self.call("GetOperation", name=name)
        metadata = message_class(self.pool, REAPI + ".RequestMetadata")()
        metadata.ParseFromString(dict(call.trailing_metadata())[METADATA_TRAILER])
        return {
            "toolName": metadata.tool_details.tool_name,
            "toolVersion": metadata.tool_details.tool_version,
        }


def main():
    with grpc.insecure_channel(sys.argv[1]) as channel:
        peer = Peer(channel)
        for line in sys.stdin:
            request = json.loads(line)
            method = getattr(peer, request.pop("method"))
            try:
                answer = {"result": method(**request)}
            except grpc.RpcError as error:
                answer = {"code": error.code().value[0], "message": error.details()}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
