# Runs a packaging script written for Vivado, in an interpreter that can neither write files nor start anything, and tells
# what it would have packaged: sources, registers and the masters they belong to, the top module, the control protocol.
#
# Commands of Vivado that matter here are recorded; all others answer something harmless. The answer on stdout is records
# of fields, separated by the characters 30 and 31.
#
#   tclsh recorder.tcl SECONDS SCRIPT [ARGUMENT...]    # the script's own $argv
encoding system utf-8
fconfigure stdout -encoding utf-8 -translation lf

set end [expr {[clock seconds] + [lindex $argv 0]}]
set script [file normalize [lindex $argv 1]]
set arguments [lrange $argv 2 end]
# Most characters of a file that a script writes and that is kept.
set most_text 1048576
# Most arguments that a script is tried with, and most variables that are supplied to it.
set most_arguments 9
set most_variables 40

proc emit {args} { puts -nonewline [join $args \x1f]\x1e }

# What one run recorded.
proc forget {} {
    set ::registers [dict create]
    set ::records {}
    set ::packaged 0
    set ::said ""
    # Text of files that the script writes, by path, and their paths by channel.
    set ::written [dict create]
    set ::channels [dict create]
}
proc record {args} { lappend ::records $args }

# Scripts name files relative to the folder that their Makefile runs Vivado in, which is often their own or its parent.
proc places {} {
    set own [file dirname $::script]
    return [list [pwd] $own [file dirname $own] [file dirname [file dirname $own]]]
}
proc resolve {path} {
    if {[file pathtype $path] ne "relative"} { return $path }
    foreach place [places] {
        if {[file exists [file join $place $path]]} { return [file normalize [file join $place $path]] }
    }
    return $path
}

# Splits options from what stands for itself. The `valued` ones take the next word.
set valued {-of_objects -of -filter -fileset -from -relative_to -copy_to -part -name -value -objects -dict -vendor
    -library -version -root_dir -taxonomy -module_name -vlnv -dir -directory -ctrl_protocol -xo_path -kernel_name
    -ip_directory -kernel_xml -kernel_files -bus_type_vlnv -abstraction_type_vlnv -clock -busif -reset -mode}
proc split_options {words} {
    set options [dict create]
    set rest {}
    for {set i 0} {$i < [llength $words]} {incr i} {
        set word [lindex $words $i]
        if {![regexp {^-[a-z_]+$} $word]} {
            lappend rest $word
        } elseif {$word in $::valued} {
            dict set options $word [lindex $words [incr i]]
        } else {
            dict set options $word 1
        }
    }
    return [list $options $rest]
}

proc add_sources {words} {
    lassign [split_options $words] options rest
    # Constraints and test benches belong to other file sets.
    if {[dict exists $options -fileset] && ![string match *sources* [dict get $options -fileset]]} return
    foreach word $rest {
        # A list of files; one file whose name has a space, or braces, where it is none.
        if {[file exists [resolve $word]]} { set word [list $word] }
        foreach file $word { record source [resolve $file] }
    }
}

proc register {name property value} {
    if {![dict exists $::registers $name]} { dict set ::registers $name [dict create] }
    dict set ::registers $name $property $value
}

proc set_one {name value object} {
    set name [string tolower $name]
    switch -glob -- $object {
        register:* {
            set of [string range $object 9 end]
            if {$name in {address_offset size}} { register $of $name $value }
        }
        register_parameter:* {
            regexp {^register_parameter:([^:]*):register:(.*)$} $object -> parameter of
            if {$name eq "value" && [string equal -nocase $parameter ASSOCIATED_BUSIF]} { register $of busif $value }
        }
        hdl_parameter:* {
            if {$name eq "value"} { record parameter "[string range $object 14 end]=$value" }
        }
        default {
            switch -- $name {
                top { record top $value }
                include_dirs { foreach place $value { record include [resolve $place] } }
                verilog_define { foreach one $value { record define $one } }
                generic { foreach one $value { record parameter $one } }
                ctrl_protocol { record control $value }
                vitis_drc {
                    if {[dict exists $value ctrl_protocol]} { record control [dict get $value ctrl_protocol] }
                }
            }
        }
    }
}

proc set_property {words} {
    lassign [split_options $words] options rest
    if {[dict exists $options -dict]} {
        foreach {name value} [dict get $options -dict] { set_one $name $value [lindex $rest end] }
    } elseif {[dict exists $options -name] && [dict exists $options -value]} {
        set objects [expr {[dict exists $options -objects] ? [dict get $options -objects] : [lindex $rest end]}]
        set_one [dict get $options -name] [dict get $options -value] $objects
    } else {
        # A value may begin with a dash.
        set plain {}
        foreach word $words { if {$word ni {-quiet -verbose}} { lappend plain $word } }
        foreach object [expr {[llength $plain] > 2 ? [lindex $plain 2] : {{}}}] {
            set_one [lindex $plain 0] [lindex $plain 1] $object
        }
    }
}

proc package_xo {words} {
    lassign [split_options $words] options rest
    foreach {option key} {-kernel_name name -ctrl_protocol control -kernel_xml kernel_xml -ip_directory ip} {
        if {[dict exists $options $option]} {
            set value [dict get $options $option]
            if {$key eq "kernel_xml" && [dict exists $::written $value]} {
                record kernel_xml_text [dict get $::written $value]
                continue
            }
            record $key [expr {$key in {kernel_xml ip} ? [resolve $value] : $value}]
        }
    }
    set ::packaged 1
}

# Any command that plain Tcl has not.
proc vivado {command args} {
    set command [string trimleft $command :]
    switch -- $command {
        add_files - import_files - read_verilog - read_vhdl - read_ip { add_sources $args; return }
        ipx::add_file { add_sources [list [lindex $args 0]]; return }
        set_property { set_property $args; return }
        get_property {
            # Asked of the target card, or of what was packaged: nothing here depends on it.
            return {}
        }
        package_xo { package_xo $args; return }
        create_ip {
            lassign [split_options $args] options rest
            foreach option {-module_name -name -vlnv} {
                lappend said [expr {[dict exists $options $option] ? [dict get $options $option] : ""}]
            }
            record ip {*}$said
            return
        }
        create_bd_design { record ip [lindex $args 0] "block design" ""; return }
        ipx::current_core - ipx::package_project - ipx::open_core - ipx::open_ipxact_file - ipx::find_open_core {
            return core
        }
        current_fileset { return sources_1 }
        current_project - create_project - open_project { return project }
        ipx::add_register {
            lassign [split_options $args] options rest
            register [lindex $rest 0] added 1
            return register:[lindex $rest 0]
        }
        ipx::get_registers {
            lassign [split_options $args] options rest
            if {[llength $rest] > 0} { return register:[lindex $rest 0] }
            return [lmap name [dict keys $::registers] { string cat register: $name }]
        }
        ipx::get_hdl_parameters {
            lassign [split_options $args] options rest
            return [expr {[llength $rest] ? "hdl_parameter:[lindex $rest 0]" : ""}]
        }
        ipx::add_register_parameter - ipx::get_register_parameters {
            lassign [split_options $args] options rest
            set of [lindex $rest 1]
            foreach option {-of -of_objects} {
                if {[dict exists $options $option]} { set of [dict get $options $option] }
            }
            return register_parameter:[lindex $rest 0]:$of
        }
    }
    # Getters and adders answer the object's name, which scripts hand on; nothing if they ask for all.
    if {[regexp {^(ipx::)?(get|add|infer|create)_} $command]} {
        lassign [split_options $args] options rest
        return [lindex $rest 0]
    }
    return {}
}

# Files: looked at, never changed. What the script writes is remembered, to be its kernel.xml.
proc file_command {slave subcommand args} {
    switch -- $subcommand {
        delete - mkdir - copy - rename - link - attributes - atime - mtime { return {} }
        exists - isfile - isdirectory - readable - size - type {
            return [file $subcommand [resolve [lindex $args 0]]]
        }
        normalize { return [resolve [lindex $args 0]] }
        default { return [file $subcommand {*}$args] }
    }
}
proc glob_command {slave args} {
    set quiet [expr {"-nocomplain" in $args}]
    set args [lsearch -all -inline -not -exact $args -nocomplain]
    set here [pwd]
    foreach place [places] {
        if {[catch {cd $place}]} continue
        set found [glob -nocomplain {*}$args]
        if {"-tails" ni $args} { set found [lmap file $found { file normalize $file }] }
        cd $here
        if {[llength $found]} { return [lsort $found] }
    }
    if {$quiet} { return {} }
    error "no files match \"$args\""
}
proc open_command {slave path args} {
    set mode [lindex $args 0]
    set writes [expr {$mode ne "" && ![string match {r*} $mode]}]
    set place [resolve $path]
    if {$writes || ![file isfile $place]} { set place /dev/null }
    set channel [open $place r]
    if {$writes} {
        dict set ::channels $channel $path
        if {![string match {a*} $mode] || ![dict exists $::written $path]} { dict set ::written $path "" }
    }
    interp transfer {} $channel $slave
    return $channel
}
proc source_command {slave args} {
    set path [resolve [lindex $args end]]
    if {![file isfile $path]} { error "there is no file \"[lindex $args end]\" to source" }
    return [interp invokehidden $slave source $path]
}
proc cd_command {slave {path ~}} { catch { cd [resolve $path] }; return {} }

# One run; answers ok, exit or the error.
proc attempt {arguments supplied} {
    forget
    set slave [interp create -safe]
    foreach command {file glob open source cd} { interp alias $slave $command {} ${command}_command $slave }
    interp alias $slave pwd {} pwd
    interp alias $slave unknown {} vivado
    foreach command {exec package load socket after vwait update flush} {
        interp alias $slave $command {} nothing
    }
    interp alias $slave puts {} say
    interp alias $slave exit {} leave
    interp eval $slave [list set ::argv $arguments]
    interp eval $slave [list set ::argc [llength $arguments]]
    interp eval $slave [list set ::argv0 $::script]
    # What Vitis' settings would have set; scripts leave where it is not.
    foreach name {PLATFORM_REPO_PATHS XILINX_VITIS XILINX_VIVADO XILINX_XRT} {
        if {![info exists ::env($name)]} { set ::env($name) $name }
    }
    interp eval $slave [list array set ::env [array get ::env]]
    foreach name $supplied { interp eval $slave [list set ::$name [lindex [split $name ()] 0]] }
    interp limit $slave time -seconds $::end
    set failed [catch {
        interp invokehidden $slave source $::script
        # The wizard's scripts define procedures, and leave it to others to call them.
        if {![dict size $::registers] && [interp eval $slave {info procs edit_core}] ne ""} {
            interp eval $slave {edit_core core}
        }
    } message options]
    set ::trace [expr {$failed ? [dict get $options -errorinfo] : ""}]
    catch { interp delete $slave }
    if {!$failed} { return ok }
    if {$message eq "the script exits"} { return exit }
    return $message
}
proc nothing {args} {}
# The last thing that a script said before it left is why it left.
proc say {args} {
    set line [expr {[lindex $args 0] eq "-nonewline" ? "" : "\n"}]
    if {$line eq ""} { set args [lrange $args 1 end] }
    if {[llength $args] == 2 && [dict exists $::channels [lindex $args 0]]} {
        set path [dict get $::channels [lindex $args 0]]
        if {[string length [dict get $::written $path]] < $::most_text} {
            dict append ::written $path [lindex $args 1] $line
        }
        return
    }
    if {[string trim [lindex $args end]] ne ""} { set ::said [string trim [lindex $args end]] }
}
proc leave {args} { error "the script exits" }
proc something {} { expr {$::packaged || [dict size $::registers]} }

# Runs the script; supplies what it expects others to have set, and arguments if it ends for want of them.
set supplied {}
set given $arguments
while 1 {
    set outcome [attempt $given $supplied]
    if {[something] && $outcome in {ok exit}} break
    if {[regexp {can't read "(?:::)?([^"]+)": no such (?:variable|element)} $outcome -> name]
            && $name ni $supplied && [llength $supplied] < $most_variables} {
        lappend supplied $name
        continue
    }
    if {$outcome eq "exit" && ![llength $arguments] && [llength $given] < $most_arguments} {
        lappend given argument[llength $given]
        continue
    }
    break
}
foreach name $supplied { emit supplied [lindex [split $name ()] 0] }
if {$given ne $arguments} { foreach name $given { emit supplied $name } }
if {$outcome ni {ok exit}} {
    # The line of the script, from the trace.
    regexp {\(file "([^"]*)" line (\d+)\)} $trace -> at line
    emit failed [expr {[info exists line] ? "$at:$line: $outcome" : $outcome}]
} elseif {![something]} {
    emit failed [expr {$said ne "" ? "it ends with \"$said\"" : "it packages nothing"}]
}
foreach one $records { emit {*}$one }
dict for {name properties} $registers {
    set fields [lmap key {address_offset size busif} {
        expr {[dict exists $properties $key] ? [dict get $properties $key] : ""}
    }]
    emit register $name {*}$fields
}
emit end
