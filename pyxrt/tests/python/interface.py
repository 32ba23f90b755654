"""Names, values and errors as XRT's own module has them. Runs with three cards."""

import ast
import enum
import unittest
import uuid
from pathlib import Path

import pyxrt
from support import load


class Enumerations(unittest.TestCase):
    def test_values_are_those_of_xrts_headers(self):
        expected = {
            pyxrt.ert_cmd_state: {
                "NEW": 1, "QUEUED": 2, "COMPLETED": 4, "ERROR": 5, "ABORT": 6, "SUBMITTED": 7,
                "TIMEOUT": 8, "NORESPONSE": 9, "SKERROR": 10, "SKCRASHED": 11,
            },
            pyxrt.xclBOSyncDirection: {
                "TO_DEVICE": 0, "FROM_DEVICE": 1, "GMIO_TO_AIE": 2, "AIE_TO_GMIO": 3,
            },
            pyxrt.bo.flags: {
                "normal": 0, "cacheable": 1 << 24, "device_only": 1 << 28, "host_only": 1 << 29,
                "p2p": 1 << 30, "svm": 1 << 27,
            },
            pyxrt.kernel.cu_access_mode: {"exclusive": 0, "shared": 1, "none": 2},
            pyxrt.hw_context.access_mode: {"exclusive": 0, "shared": 1},
            pyxrt.xrt_info_device: {"bdf": 0, "name": 5, "host": 14, "dynamic_regions": 17, "vmr": 18},
            pyxrt.xrt_msg_level: {"emergency": 0, "error": 3, "debug": 7},
        }
        prefixes = {pyxrt.ert_cmd_state: "ERT_CMD_STATE_", pyxrt.xclBOSyncDirection: "XCL_BO_SYNC_BO_"}
        for enumeration, members in expected.items():
            prefix = prefixes.get(enumeration, "")
            for name, value in members.items():
                self.assertEqual(getattr(enumeration, prefix + name).value, value, name)
        self.assertEqual(pyxrt.XCL_BO_FLAGS_NONE, 0)

    def test_members_are_also_where_their_enumeration_is(self):
        self.assertIs(pyxrt.bo.host_only, pyxrt.bo.flags.host_only)
        self.assertIs(pyxrt.kernel.exclusive, pyxrt.kernel.cu_access_mode.exclusive)
        self.assertIs(pyxrt.hw_context.shared, pyxrt.hw_context.access_mode.shared)
        self.assertIs(pyxrt.warning, pyxrt.xrt_msg_level.warning)
        self.assertLessEqual({"warning", "device", "ert_cmd_state", "xclbinmem_vector"}, set(pyxrt.__all__))
        self.assertIs(pyxrt.ERT_CMD_STATE_ABORT, pyxrt.ert_cmd_state.ERT_CMD_STATE_ABORT)

    def test_they_print_as_xrts_do_and_compare_with_numbers(self):
        state = pyxrt.ert_cmd_state.ERT_CMD_STATE_COMPLETED
        self.assertEqual(str(state), "ert_cmd_state.ERT_CMD_STATE_COMPLETED")
        self.assertEqual(f"{state}", "ert_cmd_state.ERT_CMD_STATE_COMPLETED")
        self.assertEqual(repr(pyxrt.bo.normal), "<flags.normal: 0>")
        self.assertEqual(state, 4)
        self.assertEqual(state.name, "ERT_CMD_STATE_COMPLETED")


class Devices(unittest.TestCase):
    def test_a_device_is_found_by_index_address_and_name(self):
        self.assertEqual(pyxrt.enumerate_devices(), 3)
        address = pyxrt.device(1).get_info(pyxrt.xrt_info_device.bdf)
        self.assertRegex(address, r"^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$")
        for name in (1, "1", address, "sim:1"):
            self.assertEqual(repr(pyxrt.device(name)), "<pyxrt.device sim:1>")
        self.assertEqual(repr(pyxrt.device(index=0)), "<pyxrt.device sim:0>")
        self.assertEqual(repr(pyxrt.device(bdf=address)), "<pyxrt.device sim:1>")
        with self.assertRaisesRegex(RuntimeError, "no device 3.*sim:1"):
            pyxrt.device(3)
        for wrong in (-1, 1.5, []):
            with self.assertRaises(TypeError):
                pyxrt.device(wrong)

    def test_info_is_text_about_the_loaded_image(self):
        device, _ = load()
        info = pyxrt.xrt_info_device
        self.assertIn("tcp_sim", device.get_info(info.name))
        self.assertGreater(int(device.get_info(info.max_clock_frequency_mhz)), 0)
        self.assertIn("DDR[1]", device.get_info(info.memory))
        self.assertIn("tcp_validator:tcp_validator_1", device.get_info(info.dynamic_regions))
        for key in info:
            self.assertIsInstance(device.get_info(key), str)

    def test_an_image_stays_loaded_for_all_openings_and_the_device_tells_which(self):
        device = pyxrt.device(2)
        self.assertEqual(device.get_xclbin_uuid().to_string(), str(uuid.UUID(int=0)))
        loaded = device.load_xclbin(xclbin=pyxrt.xclbin("one_unit.xclbin"))
        self.assertEqual(pyxrt.device(2).get_xclbin_uuid(), loaded)
        other = pyxrt.xclbin("two_units.xclbin")
        with self.assertRaisesRegex(RuntimeError, f"{other.get_uuid().to_string()} is not loaded"):
            pyxrt.kernel(device, other, "tcp_validator")

    def test_another_image_is_loaded_when_no_kernel_needs_the_one_that_is_there(self):
        device = pyxrt.device(0)
        uuid = device.load_xclbin("two_units.xclbin")
        kernel = pyxrt.kernel(device, uuid, "tcp_validator:tcp_validator_1")
        run = pyxrt.run(kernel)
        del kernel
        with self.assertRaisesRegex(RuntimeError, f"uses the image {uuid.to_string()}"):
            device.load_xclbin("one_unit.xclbin")
        self.assertEqual(device.load_xclbin("two_units.xclbin"), uuid)
        del run
        device.load_xclbin("one_unit.xclbin")

    def test_uses_of_a_compute_unit_within_a_program_are_of_one_kind(self):
        device = pyxrt.device(0)
        uuid = device.load_xclbin("two_units.xclbin")
        mine = pyxrt.kernel(device, uuid, "tcp_validator:tcp_validator_1", pyxrt.kernel.exclusive)
        mine = pyxrt.kernel(device, uuid, "tcp_validator:tcp_validator_1", pyxrt.kernel.exclusive)
        with self.assertRaisesRegex(RuntimeError, "unit 0 is in use by this program"):
            pyxrt.kernel(device, uuid, "tcp_validator")
        pyxrt.kernel(device, uuid, "tcp_validator:tcp_validator_2", pyxrt.kernel.exclusive)
        del mine
        pyxrt.kernel(device, uuid, "tcp_validator")
        unused = pyxrt.kernel(device, uuid, "tcp_validator", pyxrt.kernel.none)
        self.assertEqual(unused.group_id(0), 0)
        with self.assertRaisesRegex(RuntimeError, "access mode none"):
            unused(None, None, 0)

    def test_a_context_loads_its_image(self):
        device = pyxrt.device(1)
        xclbin = pyxrt.xclbin("two_units.xclbin")
        with self.assertRaisesRegex(RuntimeError, "register_xclbin"):
            pyxrt.hw_context(device, pyxrt.uuid(str(uuid.UUID(int=7))))
        context = pyxrt.hw_context(device, device.register_xclbin(xclbin))
        self.assertEqual(device.get_xclbin_uuid(), xclbin.get_uuid())
        self.assertEqual(context.get_xclbin_uuid(), xclbin.get_uuid())
        self.assertIs(context.get_mode(), pyxrt.hw_context.shared)
        kernel = pyxrt.kernel(context, "tcp_validator")
        self.assertEqual(pyxrt.bo(context, 64, kernel.group_id(1)).size(), 64)
        self.assertEqual(pyxrt.bo(context, 64, pyxrt.bo.normal, 0).size(), 64)
        del kernel
        alone = pyxrt.hw_context(device, xclbin, pyxrt.hw_context.exclusive)
        kernel = pyxrt.kernel(alone, "tcp_validator")
        with self.assertRaisesRegex(RuntimeError, "in use by this program"):
            pyxrt.kernel(context, "tcp_validator")
        del kernel
        pyxrt.kernel(context, "tcp_validator")


class Images(unittest.TestCase):
    def test_an_image_tells_its_kernels_units_arguments_and_banks(self):
        xclbin = pyxrt.xclbin("two_units.xclbin")
        (kernel,) = xclbin.get_kernels()
        self.assertEqual((kernel.get_name(), kernel.get_num_args()), ("tcp_validator", 4))
        names = [unit.get_name() for unit in kernel.get_cus()]
        self.assertEqual(names, ["tcp_validator:tcp_validator_1", "tcp_validator:tcp_validator_2"])
        self.assertEqual(names, [unit.get_name() for unit in xclbin.get_ips()])
        arguments = [argument.get_name() for argument in kernel.get_args()]
        self.assertEqual(arguments, ["descriptors", "verdicts", "count", "options"])
        self.assertEqual([m.get_index() for m in kernel.get_args()[1].get_mems()], [1])
        first, second = xclbin.get_mems()
        self.assertEqual((second.get_tag(), second.get_index(), second.get_used()), ("DDR[1]", 1, True))
        self.assertEqual(first.get_base_address() + first.get_size_kb() * 1024, second.get_base_address())
        self.assertIn("tcp_sim", xclbin.get_xsa_name())
        copy = pyxrt.xclbin(xclbin.get_axlf())
        self.assertEqual(copy.get_uuid(), xclbin.get_uuid())

    def test_uuids_are_equal_by_value_and_taken_as_text(self):
        device, _ = load()
        loaded = device.get_xclbin_uuid()
        self.assertEqual(pyxrt.uuid(loaded.to_string()), loaded)
        self.assertEqual(len({loaded, pyxrt.uuid(str(loaded))}), 1)
        for name in (loaded, str(loaded), uuid.UUID(str(loaded))):
            pyxrt.kernel(device, name, "tcp_validator")
        with self.assertRaisesRegex(ValueError, "no UUID"):
            pyxrt.uuid("no such thing")

    def test_files_that_are_no_image_are_named(self):
        for load_it in (pyxrt.xclbin, pyxrt.device(0).load_xclbin):
            with self.assertRaisesRegex(RuntimeError, "nowhere.xclbin"):
                load_it("nowhere.xclbin")
            with self.assertRaisesRegex(RuntimeError, "descriptors"):
                load_it("descriptors")
            with self.assertRaises(TypeError):
                load_it(7)


class Kernels(unittest.TestCase):
    def test_a_kernel_is_all_its_units_or_those_that_are_named(self):
        device, kernel = load("two_units.xclbin")
        uuid = device.get_xclbin_uuid()
        both = "<pyxrt.kernel tcp_validator:tcp_validator_1, tcp_validator:tcp_validator_2>"
        second = "<pyxrt.kernel tcp_validator:tcp_validator_2>"
        named = {
            "tcp_validator": both,
            "tcp_validator:{tcp_validator_1,tcp_validator_2}": both,
            "tcp_validator:{tcp_validator_2}": second,
            "tcp_validator:tcp_validator_2": second,
        }
        for name, shown in named.items():
            kernel = pyxrt.kernel(device, uuid, name, pyxrt.kernel.shared)
            self.assertEqual(repr(kernel), shown)
        for name in ("vadd", "tcp_validator:{tcp_validator_3}"):
            with self.assertRaisesRegex(RuntimeError, "tcp_validator:tcp_validator_2"):
                pyxrt.kernel(device, uuid, name)
        kernel = pyxrt.kernel(device=device, xclbin=pyxrt.xclbin("two_units.xclbin"), name="tcp_validator")
        self.assertEqual(repr(kernel), both)

    def test_a_group_is_of_an_argument_that_takes_a_buffer(self):
        _, kernel = load()
        self.assertEqual([kernel.group_id(0), kernel.group_id(1)], [0, 1])
        with self.assertRaisesRegex(RuntimeError, "count takes no buffer"):
            kernel.group_id(2)
        with self.assertRaisesRegex(IndexError, "it has 4"):
            kernel.group_id(4)
        with self.assertRaises(TypeError):
            kernel.group_id(-1)

    def test_wrong_arguments_are_type_errors(self):
        device, kernel = load()
        buffer = pyxrt.bo(device, 64, pyxrt.bo.normal, 0)
        wrong = [
            lambda: pyxrt.kernel(device, device.get_xclbin_uuid()),
            lambda: pyxrt.kernel(device, 7, "tcp_validator"),
            lambda: pyxrt.kernel(device, device.get_xclbin_uuid(), "tcp_validator", "shared"),
            lambda: pyxrt.kernel("0", device.get_xclbin_uuid(), "tcp_validator"),
            lambda: pyxrt.bo("0", 64, pyxrt.bo.normal, 0),
            lambda: pyxrt.bo(device, -64, pyxrt.bo.normal, 0),
            lambda: pyxrt.bo(device, 64, "normal", 0),
            lambda: pyxrt.bo(device, 64),
            lambda: pyxrt.bo(device, 64, pyxrt.bo.normal, 0, 0),
            lambda: buffer.write("text", 0),
            lambda: buffer.write(b"x", -1),
            lambda: buffer.sync("to_device"),
            lambda: kernel("text"),
            lambda: kernel(7),
            lambda: kernel(buffer, None, 1.5),
            lambda: pyxrt.run(device),
        ]
        for index, call in enumerate(wrong):
            with self.assertRaises(TypeError, msg=index):
                call()

    def test_objects_made_without_arguments_say_that_they_are_empty(self):
        empty = [
            (pyxrt.device(), lambda it: it.load_xclbin("one_unit.xclbin")),
            (pyxrt.xclbin(), lambda it: it.get_kernels()),
            (pyxrt.run(), lambda it: it.start()),
            (pyxrt.hw_context(), lambda it: it.get_xclbin_uuid()),
            (pyxrt.xclbin.xclbinmem(), lambda it: it.get_tag()),
        ]
        for it, use in empty:
            with self.assertRaisesRegex(RuntimeError, "is empty"):
                use(it)


class Stubs(unittest.TestCase):
    def test_the_stubs_for_editors_tell_what_the_module_has(self):
        stubs = ast.parse((Path(__file__).parents[2] / "pyxrt.pyi").read_text())

        def names(scope, found):
            told = {}
            for node in scope.body:
                if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
                    told[node.name] = node
                elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                    told[(node.targets[0] if isinstance(node, ast.Assign) else node.target).id] = node
            for name, node in told.items():
                self.assertTrue(hasattr(found, name), f"{found} has no {name}")
                if isinstance(node, ast.ClassDef):
                    names(node, getattr(found, name))
                elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.Constant, ast.BinOp)):
                    value = eval(compile(ast.Expression(node.value), name, "eval"))
                    self.assertEqual(getattr(found, name), value, name)
            if not issubclass(type(found), type(enum.IntEnum)):
                public = {name for name in vars(found) if not name.startswith("_")}
                exported = {name for name in public if isinstance(getattr(found, name), enum.IntEnum)}
                vectors = {name for name in public if name.endswith("_vector")}
                self.assertLessEqual(public - exported - vectors, set(told), found)

        names(stubs, pyxrt)


class Messages(unittest.TestCase):
    def test_messages_go_to_pythons_log(self):
        with self.assertLogs("pyxrt", "DEBUG") as logged:
            pyxrt.log_message(pyxrt.xrt_msg_level.error, "tag", "100% wrong")
            pyxrt.log_message(pyxrt.xrt_msg_level.info, b"tag", b"fine")
        self.assertEqual(logged.output, ["ERROR:pyxrt:[tag] 100% wrong", "INFO:pyxrt:[tag] fine"])


if __name__ == "__main__":
    unittest.main()
